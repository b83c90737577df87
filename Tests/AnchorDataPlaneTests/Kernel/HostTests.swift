import BPFKit
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite(.kernel) struct HostTests {
    @Test func `an entry of any kind is read back as it was set`() throws {
        let instance = try KernelInstance("kinds")
        let dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let attachment = HostAttachment(mac: MACAddress(bits: 0x0123_4567_89ab), vlan: 12, port: 3)
        let gre = HostTunnel(peer: .documentation(7), kind: .gre(key: 0xdead_beef, sequenced: true), path: path)
        let entries = [
            HostEntry(key: HostKey(.ten(1)), node: 7, attachment: attachment),
            HostEntry(key: HostKey(.ten(2), realm: 9), node: 8, tunnel: gre, chain: 5),
            HostEntry(key: HostKey(.ten(3)), node: 9, attachment: attachment, tunnel: gre, isBicast: true),
            HostEntry(key: HostKey(.ten(4)), node: 9, attachment: attachment, tunnel: gre, prefersTunnel: true),
            HostEntry(
                key: HostKey(IPAddress(high: 0x2001_0db8 << 32, low: 1)), node: 1,
                tunnel: HostTunnel(peer: IPAddress(high: 1, low: 2), kind: .ipip, path: path), isRefused: true,
                isOwn: true),
            HostEntry(
                key: HostKey(.ten(5)), node: 4711, attachment: attachment, isUnaware: true, anchors: 0x8000_0005,
                previous: 32, isClaimed: true, isDraining: true),
            HostEntry(
                key: HostKey(.ten(6)), node: 4712,
                tunnel: HostTunnel(peer: .documentation(9), kind: .ipip, path: path), isUnaware: true, previous: 3,
                isAsked: true),
        ]
        try dataPlane.setHosts(entries)
        for entry in entries { #expect(try dataPlane.host(entry.key) == entry) }
        #expect(dataPlane.hostTable.entries == entries.count)
        #expect(try dataPlane.host(HostKey(.ten(2))) == nil)
    }

    @Test func `where an unaware host was before is a router that can be, and no other host has one`() throws {
        let instance = try KernelInstance("previous")
        let dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let gre = HostTunnel(peer: .documentation(7), kind: .gre(key: 1, sequenced: false), path: path)
        for entry in [
            HostEntry(key: HostKey(.ten(1)), node: 1, tunnel: gre, isUnaware: true, previous: 1),
            HostEntry(key: HostKey(.ten(1)), node: 1, tunnel: gre, previous: 1),
            HostEntry(key: HostKey(.ten(1)), node: 1, isUnaware: true, previous: 33),
        ] {
            #expect(throws: DataPlaneError.self) { try dataPlane.setHost(entry) }
        }
        #expect(try dataPlane.host(HostKey(.ten(1))) == nil)
    }

    @Test func `what is known of where an unaware host was survives a restart, in the spill map as well`() throws {
        let instance = try KernelInstance("roamed", hostCapacity: 8, spillCapacity: 64)
        let dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let entries = (1...40).map { number in
            var entry =
                number % 2 == 0
                ? HostEntry.attached(.ten(number), node: UInt32(number))
                : HostEntry.tunnelled(.ten(number), to: .documentation(1), path: path, node: UInt32(number))
            entry.isUnaware = true
            entry.previous = UInt32(number % 33)
            entry.isAsked = number % 2 == 1
            entry.isClaimed = number % 2 == 0
            entry.isDraining = number % 3 == 0
            if number % 2 == 0 { entry.anchors = 1 << UInt32(number % 32) }
            return entry
        }
        try dataPlane.setHosts(entries)
        #expect(dataPlane.hostTable.spilled > 0)
        let adopted = try instance.restart()
        for entry in entries { #expect(try adopted.host(entry.key) == entry) }
        var changed = entries
        for place in changed.indices { changed[place].previous = 0 }
        try adopted.setHosts(changed)
        for entry in changed { #expect(try adopted.host(entry.key) == entry) }
    }

    @Test func `a change replaces the entry in place`() throws {
        let instance = try KernelInstance("change")
        let dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let attached = HostEntry.attached(.ten(1))
        let tunnelled = HostEntry.tunnelled(.ten(1), to: .documentation(1), path: path)
        var both = tunnelled
        both.attachment = attached.attachment
        var elsewhere = both
        elsewhere.attachment?.mac = MACAddress(bits: 77)
        for entry in [attached, tunnelled, both, elsewhere, attached, both, tunnelled] {
            try dataPlane.setHost(entry)
            #expect(try dataPlane.host(entry.key) == entry)
            #expect(dataPlane.hostTable.entries == 1)
        }
    }

    @Test func `a removed host is gone and its slot serves another`() throws {
        let instance = try KernelInstance("remove", hostCapacity: 8, spillCapacity: 1)
        let dataPlane = try #require(instance.dataPlane)
        for round in 0..<100 {
            try dataPlane.setHost(.attached(.ten(round)))
            #expect(try dataPlane.removeHost(HostKey(.ten(round))))
            #expect(try !dataPlane.removeHost(HostKey(.ten(round))))
            #expect(dataPlane.hostTable.entries == 0)
        }
    }

    @Test func `a table is full only when it is full, and says so`() throws {
        let instance = try KernelInstance("full", hostCapacity: 64, spillCapacity: 100)
        let dataPlane = try #require(instance.dataPlane)
        var count = 0
        do {
            while count < 1000 {
                try dataPlane.setHost(.attached(.ten(count)))
                count += 1
            }
            Issue.record("never full")
        } catch {
            guard case .tableFull(_, let capacity) = error else { throw error }
            #expect(capacity == 64)
        }
        #expect(count > 100)
        #expect(dataPlane.hostTable.entries == count)
        #expect(dataPlane.hostTable.spilled > 0)
        // Those that were spilled are found, changed and removed like any other.
        for number in 0..<count {
            try dataPlane.setHost(.attached(.ten(number), node: 99))
            #expect(try dataPlane.host(HostKey(.ten(number)))?.node == 99)
        }
        var scanned: Set<IPAddress> = []
        try dataPlane.scanHosts { entry, _ in
            #expect(scanned.insert(entry.key.address).inserted)
            return true
        }
        #expect(scanned.count == count)
        var inParts: Set<IPAddress> = []
        var seen: Set<IPAddress> = []
        for step in [1, 7, 1000] {
            (inParts, seen) = ([], [])
            var place: Int? = 0
            while let from = place {
                place = try dataPlane.scanHosts(from: from, places: step) { entry, _ in
                    #expect(entry.node == 99)
                    #expect(inParts.insert(entry.key.address).inserted)
                }
                let other = try dataPlane.scanHosts(seenWithin: .seconds(60), from: from, places: step) {
                    address, idle in
                    #expect((0...60_000_000_000).contains(idle))
                    #expect(seen.insert(address).inserted)
                }
                #expect(other == place)
            }
            #expect(inParts == scanned && seen == scanned)
        }
        for number in 0..<count { #expect(try dataPlane.removeHost(HostKey(.ten(number)))) }
        #expect(dataPlane.hostTable == TableStatistics(entries: 0, capacity: 64, spilled: 0))
    }

    @Test func `setting a host to what it is changes nothing, and its path and peer have the users that they had`()
        throws
    {
        let instance = try KernelInstance("same")
        let dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let entry = HostEntry.tunnelled(.ten(1), to: .documentation(1), path: path)
        for _ in 0..<3 { try dataPlane.setHosts([entry]) }
        #expect(dataPlane.paths.first { $0.index == path }?.users == 1)
        try dataPlane.removeHost(entry.key)
        #expect(dataPlane.paths.first { $0.index == path }?.users == 0)
        #expect(try dataPlane.entriesInUse(of: .peers) == 0)
    }

    @Test func `many hosts are put into a new table, into one with gaps, and into one that was adopted`() throws {
        let instance = try KernelInstance("many", hostCapacity: 1024, spillCapacity: 1024)
        var dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        func entries(_ shift: Int) -> [HostEntry] {
            (0..<900).map { number in
                // Three hosts a peer, and some of them at two places at once.
                var entry = HostEntry.tunnelled(.ten(number), to: .documentation((number + shift) / 3), path: path)
                if number % 5 == 0 { entry.attachment = HostEntry.attached(.ten(number)).attachment }
                return entry
            }
        }
        func check(_ expected: [HostEntry]) throws {
            #expect(dataPlane.hostTable.entries == expected.count)
            var found: Set<HostEntry> = []
            try dataPlane.scanHosts { entry, _ in found.insert(entry).inserted }
            #expect(found == Set(expected))
            for entry in expected { #expect(try dataPlane.host(entry.key) == entry) }
        }
        for shift in [0, 0, 30] {
            try dataPlane.setHosts(entries(shift))
            try check(entries(shift))
        }
        for entry in entries(30) where entry.key.address.low % 2 == 0 { try dataPlane.removeHost(entry.key) }
        try check(entries(30).filter { $0.key.address.low % 2 == 1 })
        try dataPlane.setHosts(entries(60))
        try check(entries(60))
        dataPlane = try instance.restart()
        try check(entries(60))
        try dataPlane.setHosts(entries(90))
        try check(entries(90))
        for entry in entries(90) { try dataPlane.removeHost(entry.key) }
        #expect(dataPlane.hostTable.entries == 0)
        #expect(try dataPlane.entriesInUse(of: .peers) == 0)
        #expect(dataPlane.paths.first { $0.index == path }?.users == 0)
    }

    @Test func `an entry that names no path is refused`() throws {
        let instance = try KernelInstance("nopath")
        let dataPlane = try #require(instance.dataPlane)
        do {
            try dataPlane.setHost(.tunnelled(.ten(1), to: .documentation(1), path: 99))
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("no path 99"))
        }
        #expect(dataPlane.hostTable.entries == 0)
    }

    @Test func `hosts that were just set are not idle, and old ones are`() throws {
        let instance = try KernelInstance("idle")
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setHosts((0..<10).map { HostEntry.attached(.ten($0)) })
        #expect(try dataPlane.hosts(idleFor: .seconds(60)).isEmpty)
        // As if packets of one had been seen long ago.
        let tick = try dataPlane.tick()
        for index in 0..<dataPlane.maps.hosts.count where dataPlane.maps.hosts[index].address.address == .ten(3) {
            dataPlane.maps.hosts[index].last_seen = tick &- 1000
        }
        #expect(try dataPlane.hosts(idleFor: .seconds(60)) == [HostKey(.ten(3))])
        var ages: [Duration] = []
        try dataPlane.scanHosts { _, age in
            ages.append(age)
            return true
        }
        #expect(ages.count == 10)
        var seen: Set<IPAddress> = []
        _ = try dataPlane.scanHosts(seenWithin: .seconds(60), from: 0, places: .max) { address, _ in
            seen.insert(address)
        }
        #expect(seen == Set((0..<10).map { .ten($0) }.filter { $0 != .ten(3) }))
        #expect(ages.count { $0 >= dataPlane.clock.tick * 999 } == 1)
    }
}
