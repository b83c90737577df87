import AnchorCore
import NetworkTypes

extension Simulation {
    /// Starts a router's program with what its disk holds.
    func boot(_ index: Int) {
        routers[index].epoch += 1
        routers[index].run += 1
        routers[index].timer = nil
        routers[index].isWriting = false
        routers[index].answered = 0
        var configuration = routers[index].configuration
        configuration.epoch = routers[index].epoch
        configuration.randomSeed = scenario.seed &+ UInt64(index)
        let records = scenario.tampering.restored(routers[index].journal)
        var machine: AccessRouter
        do { machine = try AccessRouter(configuration, restoring: records) } catch {
            preconditionFailure("\(error)")
        }
        let actions = machine.start(at: now)
        routers[index].machine = machine
        if chance.isHit(perMille: 300) { routers[index].journal = machine.snapshot }
        routers[index].stored = routers[index].journal.count
        routers[index].base = routers[index].journal.count
        routers[index].firstNumber = 1
        // What the data plane holds and the router does not know of.
        let known = Set(machine.bindings.map(\.address))
        routers[index].table = routers[index].table.filter { known.contains($0.key) }
        note("router \(index) starts, epoch \(routers[index].epoch), \(known.count) bindings")
        perform(index, actions)
        replayAfterRestart(index)
    }

    /// The program or the whole machine dies. What was not stored may or may not have reached the disk.
    func crash(_ index: Int, losesPower: Bool) {
        guard routers[index].machine != nil else { return }
        statistics.crashes += 1
        let unstored = routers[index].journal.count - routers[index].stored
        let surviving = scenario.tampering.confirmsTooEarly ? 0 : chance.number(in: 0...unstored)
        routers[index].journal.removeLast(unstored - surviving)
        routers[index].machine = nil
        routers[index].run += 1
        routers[index].timer = nil
        if losesPower { routers[index].table = [:] }
        note(
            "router \(index) crashes\(losesPower ? " with its tables" : ""), \(surviving) of \(unstored) records survive"
        )
    }

    func drive(router index: Int, _ event: AccessRouterEvent) {
        guard routers[index].machine != nil else { return }
        let actions = routers[index].machine!.handle(event, at: now)
        perform(index, actions)
    }

    private func perform(_ index: Int, _ actions: [AccessRouterAction]) {
        for original in actions {
            // A suppressed record keeps its number.
            if case .persist(let record, _) = original { routers[index].journal.append(record) }
            guard let action = scenario.tampering.routerAction(original) else { continue }
            switch action {
            case .persist: continue
            case .install(let binding):
                routers[index].table[binding.address] = binding
                note("router \(index) installs \(binding.address) \(describe(binding))")
            case .remove(let address):
                routers[index].table[address] = nil
                note("router \(index) removes \(address)")
            case .send(let datagram): send(datagram, fromRouter: index)
            case .report(let report): note("router \(index): \(report)")
            }
        }
        write(index)
        guard let deadline = routers[index].machine?.nextDeadline else { return }
        let due = max(deadline, now + .microseconds(1))
        if routers[index].timer.map({ due < $0 }) ?? true {
            routers[index].timer = due
            queue.plan(.routerTimer(index, run: routers[index].run), at: due)
        }
    }

    /// One write at a time takes all the records that wait.
    private func write(_ index: Int) {
        let router = routers[index]
        guard !router.isWriting, router.newestNumber > router.answered else { return }
        routers[index].isWriting = true
        let delay = scenario.tampering.confirmsTooEarly ? .microseconds(1) : chance.microseconds(50...5000)
        queue.plan(.written(index, run: router.run, through: router.newestNumber), at: now + delay)
    }

    func written(_ index: Int, _ run: Int, through number: RecordNumber) {
        guard routers[index].run == run, routers[index].machine != nil else { return }
        routers[index].isWriting = false
        routers[index].answered = number
        if isTurbulent, chance.isHit(perMille: scenario.storageFailuresPerMille) {
            let first = routers[index].newestStored + 1
            note("router \(index) fails to write records \(first) to \(number)")
            // They are gone from the journal; later ones keep their numbers.
            let place = routers[index].stored
            routers[index].journal.removeSubrange(place..<place + Int(number - first + 1))
            routers[index].base -= Int(number - first + 1)
            drive(router: index, .persistFailed(first...number))
        } else {
            if !scenario.tampering.confirmsTooEarly {
                routers[index].stored = routers[index].base + Int(number - routers[index].firstNumber + 1)
            }
            drive(router: index, .persisted(through: number))
        }
        write(index)
    }

    func describe(_ binding: HostBinding) -> String {
        switch binding.location {
        case .attached(let neighbour):
            "of node \(binding.node) attached as \(neighbour.mac) on \(neighbour.interface.number)"
        case .tunnelled(let tunnel): "of node \(binding.node) at \(tunnel.peer)"
        case .both(let neighbour, let tunnel, _):
            "of node \(binding.node) attached as \(neighbour.mac) and at \(tunnel.peer)"
        }
    }
}
