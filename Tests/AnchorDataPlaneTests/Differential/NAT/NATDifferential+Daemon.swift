import FlowAnchorABI
import NetworkTypes

@testable import AnchorDataPlane

/// What the daemon does to the NAT's tables while packets go through.
extension NATDifferential {
    /// A pass over the tables: what was not used since they were compared goes, so that ports and slots are others' after
    /// this; and of who is no subscriber any more, all.
    func expire() {
        let keepsEstablished = random.chance(2)
        model.tables.withLock { tables in
            let now = tables.nat.now
            tables.nat.expire(keepsEstablished: keepsEstablished) { $0 == now }
            known = Set(tables.nat.flows.keys)
        }
        forgetAway()
        // Of those that were not used since, the last time is 0.
        let ticks = NATTicks(tcpEstablished: keepsEstablished ? 1000 : 10, tcpTransitory: 10, udp: 10, icmp: 10)
        _ = nat.expire(ticks, now: 100, from: 0, places: .max)
    }

    /// Tells of flows of a host that began at other routers; some are there already, or began here.
    func tellAway() throws {
        guard let inside = random.chance(20) ? nil : world.subscribers.randomElement(using: &generator)?.inside else {
            return
        }
        let now = try kernel.tick()
        for _ in 0..<1 + random.number(below: 6) {
            var tuple = !known.isEmpty && random.chance(6) ? packets.flow().tuple : packets.anyTuple()
            if random.chance(10), let other = packets.away.last { tuple = other }
            tuple.local.address = inside
            let router = random.number(below: 4)
            let flow = RoamingFlow(
                transport: tuple.transport.rawValue, localPort: tuple.local.port, remote: tuple.remote.address,
                remotePort: tuple.remote.port, anchor: router, lastSeen: now)
            let result = nat.insertAway([flow], of: inside)
            let isThere = model.tables.withLock { $0.nat.insertAway(tuple, router: router) }
            if isThere != (result.refused == 0) { record("\(tuple) from router \(router): \(result)") }
            if isThere { packets.away.append(tuple) }
        }
    }

    /// A router has no flow of a host any more.
    func removeAway() {
        guard let inside = world.subscribers.randomElement(using: &generator)?.inside else { return }
        let router: UInt32? = random.chance(3) ? nil : random.number(below: 4)
        nat.removeAway(of: inside, router: router)
        model.tables.withLock { tables in
            // Of who is no subscriber any more, a pass takes out all.
            if tables.nat.subscribers[inside] != nil { tables.nat.removeAway(of: inside, router: router) }
        }
        _ = nat.expire(
            NATTicks(tcpEstablished: .max, tcpTransitory: .max, udp: .max, icmp: .max), now: 0, from: 0, places: .max)
        forgetAway()
    }

    private func forgetAway() {
        let there = model.tables.withLock { $0.nat.away }
        packets.away.removeAll { there[$0] == nil }
    }

    /// Gives another block to some of those that want one.
    func grantBlocks() {
        let wanting = model.tables.withLock { $0.nat.subscribers.filter(\.value.wantsBlock) }
        for (inside, subscriber) in wanting.sorted(by: { $0.key < $1.key }) where random.chance(2) {
            guard let outside = world.outside.number(of: subscriber.outside) else { continue }
            let block = PortBlock(outside: outside, number: 64 + blocks.count % 64)
            guard !blocks.contains(block) else { continue }
            blocks.append(block)
            nat.grant(block, to: inside)
            model.tables.withLock { tables in
                tables.nat.subscribers[inside]?.blocks.append(block)
                tables.nat.subscribers[inside]?.wantsBlock = false
            }
        }
    }

    /// Makes a host one that is no subscriber any more: its flows go on until the next pass.
    func removeSubscriber() {
        guard let inside = world.subscribers.randomElement(using: &generator)?.inside else { return }
        nat.removeSubscriber(inside)
        model.tables.withLock { $0.nat.subscribers[inside] = nil }
    }

    /// Has other destinations exempt: flows to them are there, or are not.
    func changeExempt() throws {
        let exempt = NATWorld.exempt(&random)
        func change(_ plane: some DataPlane) throws {
            var configuration = plane.configuration
            configuration.exempt = exempt
            try plane.setConfiguration(configuration)
        }
        try change(kernel)
        try change(model)
    }

    /// Lets so much time pass that no later fragment is waited for.
    func outlastFragments() throws {
        for place in model.tables.withLock({ $0.nat.fragments.places }) {
            guard var fragment = try kernel.maps.fragments.value(place) else { continue }
            fragment.first_seen &-= FA_NAT_FRAGMENT_LIFETIME + 1
            try kernel.maps.fragments.set(place, to: fragment)
        }
        model.tables.withLock { $0.nat.forgetFragments() }
    }
}
