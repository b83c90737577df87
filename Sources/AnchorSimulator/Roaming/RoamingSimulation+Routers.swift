import AnchorCore
import AnchorProtocol
import NetworkTypes

/// Daemons: their machines, what they do, and how they die.
extension RoamingSimulation {
    func clock(_ router: Int) -> MonotonicInstant { now + routers[router].clockOffset }

    /// What happens while something is being done comes after it, as it does with a daemon.
    func drive(_ router: Int, _ event: RoamingEvent) {
        waiting.append((router, event))
        guard !isDriving else { return }
        isDriving = true
        while !waiting.isEmpty {
            let (router, event) = waiting.removeFirst()
            driveNow(router, event)
        }
        isDriving = false
    }

    private func driveNow(_ router: Int, _ event: RoamingEvent) {
        guard let machine = routers[router].machine, let heard = scenario.tampering.event(event, machine) else {
            return
        }
        let said = routers[router].machine!.handle(heard, at: clock(router))
        let actions = scenario.tampering.actions(event, said)
        // What it decided counts from now on, even if it dies before it has done any of it.
        for case .report(let report) in said { judge(router, report) }
        for action in actions {
            if let left = routers[router].dyingAfter {
                guard left > 0 else {
                    routers[router].dyingAfter = nil
                    return crash(router)
                }
                routers[router].dyingAfter = left - 1
            }
            perform(router, action)
        }
        planTimer(router)
    }

    private func planTimer(_ router: Int) {
        guard let due = routers[router].machine?.nextDeadline else {
            routers[router].timer = nil
            return
        }
        let time = max(now, MonotonicInstant(nanoseconds: due.nanoseconds - routers[router].clockOffset.nanoseconds))
        guard routers[router].timer != time else { return }
        routers[router].timer = time
        queue.plan(.timer(router, run: routers[router].run), at: time)
    }

    private func perform(_ router: Int, _ action: RoamingAction) {
        let name = routers[router].name
        switch action {
        case .install(let binding):
            note("\(name): \(Self.text(binding))")
            routers[router].table[binding.address] = binding
            checkHolder(router, binding)
        case .remove(let address):
            note("\(name): \(address) removed")
            routers[router].table[address] = nil
            checkRemoval(router, address)
            routers[router].up[address] = nil
            routers[router].away[address] = nil
        case .release(let address):
            let packets = routers[router].held.removeValue(forKey: address) ?? []
            for packet in packets { fromHost(packet, at: router) }
        case .refuse(let address): routers[router].held[address] = nil
        case .send(let message, let peer): if let to = index(peer) { transmit(message, from: router, to: to) }
        case .sendFlows(let address, let epoch, let to, let anchors, let isLast):
            routers[router].walks[address, default: []].append(
                .init(epoch: epoch, to: to, anchors: anchors, isLast: isLast))
            if routers[router].walks[address]!.count == 1 { planWalk(router, address) }
        case .cancelFlows(let address):
            routers[router].walks[address] = nil
            routers[router].nextNumber[address] = 0
        case .insertFlows(let table, let peer): insert(router, table, from: peer)
        case .removeAway(let address, let other):
            if let other {
                routers[router].away[address] = routers[router].away[address]?.filter { $0.value != other }
            } else {
                routers[router].away[address] = nil
            }
        case .report(let report): note("\(routers[router].name): \(Self.text(report))")
        }
    }

    private func judge(_ router: Int, _ report: RoamingReport) {
        switch report {
        case .settled(let address, _, nil, _): excuseFlows(of: address, at: router)
        case .handedOver: statistics.handovers += 1
        case .leaseEnded(let address, _): excuse(address)
        default: break
        }
    }

    // MARK: Tables of flows

    private func planWalk(_ router: Int, _ address: IPAddress) {
        queue.plan(
            .walk(router, address, run: routers[router].run), at: now + chance.microseconds(10...scenario.longestWalk))
    }

    func walk(_ router: Int, _ address: IPAddress) {
        guard let walk = routers[router].walks[address]?.first else { return }
        routers[router].walks[address]!.removeFirst()
        let state = routers[router]
        var rows: [(flow: Int, anchor: String)] = []
        if walk.anchors.contains(state.name) { rows += state.up[address, default: []].map { ($0, state.name) } }
        rows += state.away[address, default: [:]].filter { walk.anchors.contains($0.value) }.map { ($0.key, $0.value) }
        rows = rows.filter { $0.anchor != walk.to }.sorted { $0.flow < $1.flow }
        let anchors = Set(rows.map(\.anchor))
        repeat {
            let part = Array(rows.prefix(2))
            rows.removeFirst(part.count)
            let names = Set(part.map(\.anchor)).sorted()
            guard !part.isEmpty || walk.isLast else { break }
            let number = routers[router].nextNumber[address, default: 0]
            routers[router].nextNumber[address] = number + 1
            let flows = Flows(
                host: RoamingHost(address), epoch: walk.epoch, number: number, isLast: walk.isLast && rows.isEmpty,
                anchors: names,
                flows: part.map { row in
                    FlowRecord(
                        anchor: UInt8(names.firstIndex(of: row.anchor)!),
                        transport: self.flows[row.flow].isTCP ? 6 : 17, localPort: UInt16(row.flow), remote: 1,
                        remotePort: 1)
                })
            transmit(.flows(flows), from: router, to: index(walk.to)!)
        } while !rows.isEmpty
        if routers[router].walks[address]?.isEmpty == false { planWalk(router, address) }
        drive(router, .flowsSent(address, epoch: walk.epoch, to: walk.to, anchors: anchors))
    }

    private func insert(_ router: Int, _ table: Flows, from peer: String) {
        let address = table.host.address
        for flow in table.flows {
            let id = Int(flow.localPort)
            let anchor = table.anchors[Int(flow.anchor)]
            guard anchor != routers[router].name, !routers[router].up[address, default: []].contains(id),
                !flows[id].isEnded
            else { continue }
            routers[router].away[address, default: [:]][id] = anchor
        }
        guard table.isLast else { return }
        queue.plan(
            .received(router, address, epoch: table.epoch, from: peer, run: routers[router].run),
            at: now + chance.microseconds(1...2000))
    }

    // MARK: Dying

    func crash(_ router: Int) {
        guard routers[router].machine != nil else { return }
        note("\(routers[router].name): the daemon dies")
        statistics.crashes += 1
        routers[router].machine = nil
        routers[router].run += 1
        routers[router].timer = nil
        routers[router].held = [:]
        routers[router].walks = [:]
        routers[router].nextNumber = [:]
        for other in routers.indices where other != router { breakSession(pair(router, other), sparing: router) }
        queue.plan(.restart(router), at: now + chance.milliseconds(5...1200))
    }

    func restart(_ router: Int) {
        guard routers[router].machine == nil else { return }
        note("\(routers[router].name): the daemon starts")
        var machine = Roaming(routers[router].configuration)
        for address in routers[router].table.keys.sorted() {
            if let binding = scenario.tampering.adopted(routers[router].table[address]!) {
                machine.adopt(binding, at: clock(router))
            }
        }
        routers[router].machine = machine
        routers[router].dyingAfter = nil
        for address in routers[router].table.keys.sorted() { tellIfEnded(router, address) }
        drive(router, .timer)
        for other in routers.indices where other != router {
            queue.plan(.connect(pair(router, other)), at: now + chance.milliseconds(1...600))
        }
    }

    static func text(_ report: RoamingReport) -> String {
        if case .whole(let address, let epoch, let anchors, _) = report {
            return "\(address) whole in epoch \(epoch), anchors \(anchors.sorted())"
        }
        return "\(report)"
    }

    static func text(_ binding: RoamingBinding) -> String {
        let place =
            switch binding.place {
            case .here(_, let isClaimed): isClaimed ? "claimed" : "here"
            case .away(let at): "at \(at)"
            }
        return "\(binding.address) epoch \(binding.epoch) \(place), anchors \(binding.anchors.sorted()), previous "
            + "\(binding.previous ?? "none"), also \(binding.alsoAcceptedFrom.sorted())\(binding.isAsked ? ", asked" : "")"
    }
}
