import AnchorCore
import AnchorProtocol
import NetworkTypes

/// What goes wrong.
extension RoamingSimulation {
    func makeTrouble() {
        guard isTurbulent else { return }
        queue.plan(.trouble, at: now + chance.milliseconds(30...400))
        guard !scenario.isCalm else { return forge() }
        switch chance.number(in: 0...9) {
        case 0...2:
            let a = chance.number(in: 0...routers.count - 2)
            let key = [a, chance.number(in: a + 1...routers.count - 1)]
            note("the session of \(key) ends")
            statistics.outages += 1
            breakSession(key)
        case 3:
            let a = chance.number(in: 0...routers.count - 2)
            let key = [a, chance.number(in: a + 1...routers.count - 1)]
            note("\(key) are cut off from each other")
            statistics.outages += 1
            partitions.insert(key)
            breakSession(key)
        case 4: if let key = chance.pick(partitions.sorted { $0.lexicographicallyPrecedes($1) }) { heal(key) }
        case 5...6: crash(chance.number(in: 0...routers.count - 1))
        default: routers[chance.number(in: 0...routers.count - 1)].dyingAfter = chance.number(in: 0...6)
        }
    }

    func heal(_ key: [Int]) {
        partitions.remove(key)
        queue.plan(.connect(key), at: now + chance.milliseconds(1...300))
    }

    /// A router speaks of a host that it has nothing to do with (T5).
    private func forge() {
        let liar = chance.number(in: 0...routers.count - 1)
        guard let victim = chance.pick(routers.indices.filter { $0 != liar }),
            let address = chance.pick(hosts)?.address, let entry = routers[victim].table[address]
        else { return }
        if case .away(routers[liar].name) = entry.place { return }
        guard routers[liar].table[address] == nil, !entry.anchors.contains(routers[liar].name) else { return }
        let host = RoamingHost(address)
        let epoch = entry.epoch + UInt32(chance.number(in: 0...3))
        let message: RoamingMessage =
            switch chance.number(in: 0...3) {
            case 0: .moved(Moved(host: host, epoch: epoch, to: routers[liar].name, pending: []))
            case 1: .gone(HostEpoch(host: host, epoch: epoch))
            case 2: .release(HostEpoch(host: host, epoch: epoch))
            default:
                .flows(
                    Flows(
                        host: host, epoch: entry.epoch, number: 0, isLast: true, anchors: [routers[liar].name],
                        flows: []))
            }
        note("\(routers[liar].name) lies")
        transmit(message, from: liar, to: victim)
    }
}
