import BPFKit
import FlowAnchorABI
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// The NAT's tables of an instance in the kernel: made, adopted, and of other sizes.
@Suite(.kernel, .serialized) struct NATInstanceTests {
    private let outside = [OutsideRange(first: NATBench.outside, count: 2, index: 0)]
    private let host = IPAddress.ten(1)

    /// An instance with NAT, one subscriber and one flow.
    private func instance(_ name: String) throws -> (KernelInstance, KernelDataPlane) {
        let instance = try KernelInstance(name)
        let dataPlane = try instance.restart {
            $0.nat = .init(translations: 4096, subscribers: 64, outsideAddresses: 2)
        }
        try dataPlane.setConfiguration(configuration)
        try dataPlane.setHost(.attached(host))
        try dataPlane.nat.setSubscriber(
            inside: host, outside: NATBench.outside, flowLimit: 10, blocks: [PortBlock(outside: 0, number: 2)])
        _ = try NATProgram(memory: dataPlane.nat.memory).make(.tcp(host, 5000), now: dataPlane.tick())
        return (instance, dataPlane)
    }

    private var configuration: DataPlaneConfiguration {
        DataPlaneConfiguration(inside: [IPPrefix("10.0.0.0/16")!], outside: outside)
    }

    private func options(_ change: (inout NATCapacity) -> Void) -> (inout KernelDataPlane.Options) -> Void {
        var capacity = NATCapacity(translations: 4096, subscribers: 64, outsideAddresses: 2)
        change(&capacity)
        return { [capacity] in $0.nat = capacity }
    }

    @Test func `without NAT the tables are the smallest, and with it those of the options`() throws {
        let instance = try KernelInstance("nat-none")
        let small = try #require(instance.dataPlane)
        #expect(small.nat.translations.capacity == 64)
        #expect(small.nat.outsideCapacity == 0)
        let large = try instance.restart { $0.nat = .init(translations: 5000, subscribers: 100, outsideAddresses: 3) }
        #expect(large.nat.translations.capacity == 8192)
        #expect(large.nat.subscribers.capacity == 128)
        #expect(large.nat.outsideCapacity == 4)
        #expect(large.maps.config[0].translation_mask == 8192 / 4 - 1)
        #expect(large.maps.config[0].subscriber_mask == 128 / 4 - 1)
    }

    @Test func `a restart of the daemon loses nothing`() throws {
        let (instance, dataPlane) = try instance("nat-restart")
        let before = dataPlane.nat.subscriber(host)
        let adopted = try instance.restart(options { _ in })
        #expect(adopted.wasAdopted && adopted.lostTranslations == 0 && adopted.mendedEntries == 0)
        #expect(adopted.nat.subscriber(host) == before)
        #expect(adopted.nat.translations.entries == 3)
        #expect(adopted.configuration.outside == outside)
        #expect(
            KernelDataPlane.pinnedConfiguration(of: instance.options.instance)?.outside == outside)
    }

    @Test func `with other sizes of the NAT's tables flows and hosts go on`() throws {
        let (instance, _) = try instance("nat-resize")
        let larger = try instance.restart(
            options {
                $0.translations = 65536
                $0.subscribers = 1024
                $0.outsideAddresses = 8
            })
        #expect(larger.lostTranslations == 0)
        #expect(larger.nat.subscriber(host)?.flows == 1)
        #expect(larger.nat.translations.entries == 3)
        #expect(try larger.host(HostKey(host)) != nil)
        var found: [NATFlow] = []
        _ = try larger.scanTranslatedFlows {
            found.append($0)
            return true
        }
        #expect(found.map(\.inside) == [host])
        #expect(found.first?.outside == NATBench.outside)
    }

    @Test func `hosts are adopted whatever becomes of the NAT`() throws {
        let (instance, _) = try instance("nat-off")
        let off = try instance.restart { $0.nat = nil }
        #expect(off.lostTranslations == 1)
        #expect(off.nat.subscribers.entries == 0)
        #expect(try off.host(HostKey(host)) != nil)
        let both = try instance.restart {
            $0.nat = .init(translations: 1024, subscribers: 64, outsideAddresses: 1)
            $0.hostCapacity = 4096
        }
        #expect(both.hostTable.capacity == 4096)
        #expect(both.nat.translations.capacity == 1024)
        #expect(try both.host(HostKey(host)) != nil)
    }

    @Test func `flows that began elsewhere go on after a restart and with other sizes, and are shown`() throws {
        let (instance, dataPlane) = try instance("nat-away")
        let told = (1...20).map {
            RoamingFlow(transport: 6, localPort: $0, remote: .documentation(9), remotePort: 443, anchor: 4)
        }
        #expect(
            try dataPlane.insertAway(told, of: host) == AwayResult(inserted: 10, refused: 10), "as it may have here")
        let adopted = try instance.restart(options { _ in })
        #expect(adopted.mendedEntries == 0)
        #expect(adopted.nat.flowCount(of: host) == (here: 1, away: 10))
        let larger = try instance.restart(options { $0.translations = 65536 })
        #expect(larger.lostTranslations == 0)
        #expect(larger.nat.flowCount(of: host) == (here: 1, away: 10))
        let shown = try larger.entries(of: .translations, key: "away,tcp,10.0.0.1:7,192.0.2.9:443", limit: 10)
        #expect(shown.map { $0.fields["router"] } == ["4"])
        #expect(try larger.entries(of: .translations, limit: 100).count { $0.fields["kind"] == "away" } == 10)
        #expect(larger.nat.removeAway(of: host, router: 4) == 10)
        #expect(try larger.expireTranslations(NATTimeouts(), from: 0, places: .max).counts.awayFlows == 0)
        #expect(larger.nat.translations.entries == 3)
    }

    @Test func `one that began elsewhere has just been seen when it is told of, and ends by the programs' clock`()
        throws
    {
        let (_, dataPlane) = try instance("nat-away-end")
        let flow = RoamingFlow(transport: 17, localPort: 1, remote: .documentation(9), remotePort: 53, anchor: 4)
        #expect(try dataPlane.insertAway([flow], of: host).inserted == 1)
        #expect(try dataPlane.expireTranslations(NATTimeouts(), from: 0, places: .max).counts.awayFlows == 1)
        var found: [RoamingFlow] = []
        dataPlane.nat.flows(of: host) {
            if $0.anchor != nil { found.append($0) }
            return true
        }
        let seen = try #require(found.first)
        #expect(try dataPlane.idle(seen) <= dataPlane.clock.tick * 2)
        let long = dataPlane.clock.ticks(in: NATTimeouts().udp) + NATTicks.awayMargin + 1
        var old = seen
        old.lastSeen = try dataPlane.tick() &- long
        #expect(dataPlane.nat.removeAway(of: host, router: nil) == 1)
        #expect(dataPlane.nat.insertAway([old], of: host).inserted == 1)
        let pass = try dataPlane.expireTranslations(NATTimeouts(), from: 0, places: .max)
        #expect(pass.awayFlowsRemoved == 1 && pass.losers == [host])
        #expect(dataPlane.nat.flowCount(of: host) == (here: 1, away: 0))
    }

    @Test func `flows end by the programs' clock`() throws {
        let (_, dataPlane) = try instance("nat-expire")
        var timeouts = NATTimeouts()
        #expect(try dataPlane.expireTranslations(timeouts, from: 0, places: .max).flowsRemoved == 0)
        let now = try dataPlane.tick()
        let transitory = dataPlane.clock.ticks(in: timeouts.tcpTransitory)
        let slot = dataPlane.nat.memory.translations.slots
        for index in 0..<4096 where slot[index].last_seen != 0 { slot[index].last_seen = now &- transitory &- 1 }
        timeouts.tcpEstablished = .seconds(100_000)
        #expect(try dataPlane.expireTranslations(timeouts, from: 0, places: .max).flowsRemoved == 1)
        #expect(dataPlane.nat.translations.entries == 0)
    }

    @Test func `each of its maps is shown`() throws {
        let (_, dataPlane) = try instance("nat-views")
        let translations = try dataPlane.entries(of: .translations, limit: 10)
        #expect(translations.count == 3)
        #expect(Set(translations.compactMap { $0.fields["kind"] }) == ["up", "down", "mapping"])
        let up = try dataPlane.entries(of: .translations, key: "up,tcp,10.0.0.1:5000,192.0.2.9:443", limit: 10)
        #expect(up.first?.fields["writes"] == "192.0.2.1:1024")
        #expect(up.first?.fields["seen"] == "packet syn")
        #expect(try dataPlane.entries(of: .translations, key: "10.0.0.1", limit: 10).count == 2)
        let subscriber = try dataPlane.entries(of: .subscribers, key: "10.0.0.1", limit: 10)
        #expect(subscriber.first?.fields["blocks"] == "1024-1535")
        #expect(subscriber.first?.fields["flows"] == "1")
        let blocks = try dataPlane.entries(of: .natBlocks, key: "192.0.2.1:1100", limit: 10)
        #expect(blocks.map(\.key) == ["192.0.2.1:1024"])
        #expect(blocks.first?.fields["tcp"] == "1")
        let ports = try dataPlane.entries(of: .natPorts, limit: 10)
        #expect(ports.map(\.key) == ["tcp,192.0.2.1:1024"])
        #expect(try dataPlane.entries(of: .natPorts, key: "udp,192.0.2.1:1024", limit: 10).isEmpty)
        #expect(throws: DataPlaneError.self) { try dataPlane.entries(of: .natPorts, key: "192.0.2.1", limit: 1) }
        #expect(try dataPlane.entries(of: .natFragments, limit: 10).isEmpty)
        #expect(try dataPlane.entriesInUse(of: .translations) == 3)
    }
}
