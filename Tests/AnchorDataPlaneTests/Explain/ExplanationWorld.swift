import BPFKit
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// `DifferentialWorld` in the kernel, with programs to run packets through; and with NAT and other routers, that of a
/// router whose hosts roam.
final class ExplanationWorld {
    private let instance: KernelInstance
    let kernel: KernelDataPlane
    private let programs: [PortIndex: LoadedProgram]

    /// Enough for the flows here, and soon looked through.
    private static let capacity = NATCapacity(translations: 256, subscribers: 16, outsideAddresses: 2)

    init(_ name: String, translates: Bool = false, nat: NATCapacity = capacity) throws {
        instance = try KernelInstance(name, nat: nat)
        let kernel = try #require(instance.dataPlane)
        self.kernel = kernel
        try DifferentialWorld.make(in: kernel)
        programs = try DifferentialWorld.ports.reduce(into: [:]) { programs, index in
            let port = try #require(kernel.port(index))
            let loaded = try kernel.load(index, port)
            programs[index] = LoadedProgram(try loaded.program(port.role.programs[0]))
        }
        if translates { try makeRoaming() }
    }

    private func makeRoaming() throws {
        var configuration = kernel.configuration
        configuration.inside = [IPPrefix("10.1.0.0/24")!]
        configuration.outside = [
            OutsideRange(first: DifferentialWorld.endpoints[0], count: 1, index: 0),
            OutsideRange(first: IPAddress("192.0.2.9")!, count: 1, index: 1),
        ]
        configuration.unaware = [IPPrefix("10.1.0.0/24")!]
        try kernel.setConfiguration(configuration)
        let next = NextHop.neighbour(IPAddress("192.0.2.254")!, port: DifferentialWorld.core)
        let path = try kernel.path(
            for: PathSpecification(
                nextHop: next, encapsulation: Encapsulation(source: DifferentialWorld.endpoints[0], kind: .ipip)))
        for (index, address) in ["203.0.113.21", "203.0.113.22"].enumerated() {
            try kernel.setRouter(index, RouterEntry(address: IPAddress(address)!, path: path))
        }
        for kind in [DifferentialWorld.Kind.attached, .overV4, .bypassingServers] {
            let address = DifferentialWorld.host(kind, .v4)
            var entry = try #require(try kernel.host(HostKey(address)))
            entry.isUnaware = true
            entry.anchors = kind == .attached ? 1 : 0
            try kernel.setHost(entry)
            let block = PortBlock(outside: 0, number: PortBlock.first + kind.rawValue)
            try kernel.nat.setSubscriber(
                inside: address, outside: DifferentialWorld.endpoints[0],
                flowLimit: kind == .bypassingServers ? 0 : 100, blocks: [block])
        }
        // Flows that began here, made by their own packets.
        for flow in [
            "tcp,10.1.0.10:40000,198.51.100.9:80", "udp,10.1.0.10:5353,198.51.100.9:53",
            "udp,10.1.0.16:6000,198.51.100.9:53",
        ] {
            var question = try PacketQuestion(flow: flow)
            question.opens = true
            let (frame, index) = try QuestionFrame(question, kernel).encoded()
            let run = try programs[index]!.program.testRun(frame)
            try #require(run.verdict == 4, "\(flow)")
        }
        // And one that began elsewhere.
        let away = RoamingFlow(
            transport: 6, localPort: 50000, remote: IPAddress("198.51.100.9")!, remotePort: 80, anchor: 0,
            lastSeen: try kernel.tick())
        let result = try kernel.insertAway([away], of: DifferentialWorld.host(.attached, .v4))
        try #require(result.refused == 0)
    }

    /// All entries of all maps that packets change, but for how long ago that was.
    func dump() throws -> [String: [MapEntry]] {
        let maps: [DataPlaneMap] = [
            .hosts, .hostExtras, .peers, .duplicates, .translations, .translationState, .subscribers, .natBlocks,
            .natPorts, .natFragments, .elsewhere, .reasons, .routers, .paths, .configuration,
        ]
        return try maps.reduce(into: [:]) { dump, map in
            dump[map.rawValue] = try kernel.entries(of: map, limit: .max).map { entry in
                var entry = entry
                entry.fields["idle"] = nil
                return entry
            }
        }
    }

    /// Runs the packet that was asked about through the program, and compares.
    func expectSame(_ said: PacketExplanation, _ name: @autoclosure () -> String) throws {
        let index = try #require(DifferentialWorld.ports.first { kernel.port($0)?.name == said.interface })
        let before = try kernel.reasonCounts()
        let run = try programs[index]!.program.testRun(said.frame)
        let counted = try kernel.reasonCounts().filter { $0.value != before[$0.key] }.map(\.key)
        // No more than so many answers a moment, and nobody takes what is held.
        let isOverLimit = said.reason?.name == "icmp_too_big" && run.verdict == 1
        let isNotHeld = said.verdict == .held && counted.allSatisfy { $0.name.hasPrefix("source_") }
        guard !isOverLimit else { return }
        #expect(run.verdict == DifferentialTests.number(said.outcome.verdict), "\(name()): \(said.outcome.verdict)")
        if !isNotHeld { #expect(counted == [said.reason].compactMap(\.self), "\(name())") }
        if said.outcome.verdict != .drop {
            #expect(
                run.packet == said.outcome.bytes,
                "\(name())\n\(dissected(run.packet))\n\(dissected(said.outcome.bytes))")
        }
    }
}
