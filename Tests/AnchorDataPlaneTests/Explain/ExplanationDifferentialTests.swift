import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// What is said of random packets is what the programs then do with them; seed as in `DifferentialTests`.
@Suite(.kernel) struct ExplanationDifferentialTests {
    private static let packets = 4000

    /// What is said as if it were the first of its kind: fragments, whose ports another packet has, and copies.
    private func isSaidOfFirst(_ said: PacketExplanation) -> Bool {
        let isCopied = said.lookUps.contains { $0.found?["flags"]?.contains("bicast") == true }
        guard !isCopied, let packet = try? ModelPacket(said.frame) else { return false }
        let inner = tunnelled(packet.network, packet)
        return packet.network.fragment != .later && inner?.fragment != .later
    }

    @Test func `random packets in mode A`() throws {
        let seed = DifferentialTests.seed
        print("differential test of explanations: FLOWANCHOR_SEED=\(seed)")
        let world = try ExplanationWorld("explain-random")
        var packets = DifferentialPackets(seed: seed)
        var reasons: Set<String> = []
        for number in 0..<Self.packets {
            let (index, frame) = packets.next()
            let said = try world.kernel.explain(frame, on: index)
            guard isSaidOfFirst(said) else { continue }
            try world.expectSame(said, "packet \(number) of seed \(seed): \(dissected(frame))")
            if let reason = said.reason?.name { reasons.insert(reason) }
        }
        #expect(reasons.count > 12, "\(reasons.sorted())")
    }

    @Test func `random packets through NAT, of hosts that roam`() throws {
        let seed = DifferentialTests.seed
        let world = try ExplanationWorld("explain-nat-random", nat: NATWorld.capacity)
        var random = RandomLayers(seed: seed)
        var made = NATWorld(&random)
        // As large as the instance's table.
        let buckets = Int(world.kernel.nat.memory.translations.bucketMask) + 1
        while made.buckets != buckets || made.inside.isEmpty { made = NATWorld(&random) }
        let nat = try made.make(in: world.kernel, clearing: [])
        var packets = NATPackets(seed: seed)
        var known: Set<ModelNAT.Tuple> = []
        var reasons: Set<String> = []
        for number in 0..<Self.packets {
            if number % 50 == 49 { try learn(&packets, &known, world.kernel) }
            if number % 70 == 69 { try tellAway(&packets, &random, nat, world.kernel) }
            let (index, frame) = packets.next()
            let said = try world.kernel.explain(frame, on: index)
            guard isSaidOfFirst(said) else { continue }
            try world.expectSame(said, "packet \(number) of seed \(seed): \(dissected(frame))")
            if let reason = said.reason?.name { reasons.insert(reason) }
        }
        #expect(!known.isEmpty)
        #expect(reasons.count > 12, "\(reasons.sorted())")
    }

    /// Flows that have come to be.
    private func learn(
        _ packets: inout NATPackets, _ known: inout Set<ModelNAT.Tuple>, _ kernel: KernelDataPlane
    ) throws {
        var found: [NATPackets.Known] = []
        _ = try kernel.scanTranslatedFlows { flow in
            guard let transport = ModelNAT.Transport(rawValue: flow.transport), let outside = flow.outside else {
                return true
            }
            let tuple = ModelNAT.Tuple(
                transport: transport, local: .init(address: flow.inside, port: flow.insidePort),
                remote: .init(address: flow.remote, port: flow.remotePort))
            if known.insert(tuple).inserted {
                found.append(.init(tuple: tuple, outside: .init(address: outside, port: flow.outsidePort)))
            }
            return true
        }
        packets.learn(found)
    }

    /// Some that began at other routers.
    private func tellAway(
        _ packets: inout NATPackets, _ random: inout RandomLayers, _ nat: NATTable, _ kernel: KernelDataPlane
    ) throws {
        let tuple = packets.anyTuple()
        let flow = RoamingFlow(
            transport: tuple.transport.rawValue, localPort: tuple.local.port, remote: tuple.remote.address,
            remotePort: tuple.remote.port, anchor: random.number(below: 4), lastSeen: try kernel.tick())
        if nat.insertAway([flow], of: tuple.local.address).refused == 0 { packets.away.append(tuple) }
    }
}
