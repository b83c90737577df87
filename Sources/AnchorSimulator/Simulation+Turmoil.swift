import AnchorCore
import AnchorProtocol
import NetworkTypes

extension Simulation {
    /// A node that has a key and means ill.
    static let attacker: UInt64 = 999
    static let attackerSPI: UInt32 = 9999

    /// One thing that happens or goes wrong, and the next one is planned.
    func makeTrouble() {
        guard isTurbulent else { return }
        let node = chance.number(in: 0...nodes.count - 1)
        switch chance.number(in: 0...99) {
        case 0..<22: move(node)
        case 22..<30: moveSilently(node)
        case 30..<42: makeBeforeBreak(node)
        case 42..<48: flap(node)
        case 48..<64: startFlow(node)
        case 64..<70: if !flows.isEmpty { endFlow(chance.number(in: 0...flows.count - 1)) }
        case 70..<76: crashSomewhere()
        case 76..<81: partition()
        case 81..<87: replay()
        case 87..<92: forge()
        case 92..<96: restart(node: node, forgetsEpoch: chance.isHit(perMille: 200))
        case 96..<98:
            let interface = InterfaceID(UInt32(chance.number(in: 0...scenario.interfacesPerNode - 1)))
            drive(node: node, .attach(interface, router: nil))
        default:
            let interface = InterfaceID(UInt32(chance.number(in: 0...scenario.interfacesPerNode - 1)))
            drive(node: node, .routerUnreachable(interface))
        }
        queue.plan(.turmoil, at: now + chance.milliseconds(scenario.pace))
    }

    func randomPlug() -> SimulatedNode.Plug {
        .init(
            router: chance.number(in: 0...routers.count - 1), link: chance.number(in: 0...scenario.linksPerRouter - 1))
    }

    private func randomInterface() -> Int { chance.number(in: 0...scenario.interfacesPerNode - 1) }

    /// Break before make.
    private func move(_ node: Int) {
        let interface = randomInterface()
        statistics.moves += 1
        unplug(node, interface)
        queue.plan(
            .plug(node: node, interface: interface, randomPlug()), at: now + chance.milliseconds(0...300))
    }

    /// The link is another one and nobody says so.
    private func moveSilently(_ node: Int) {
        let interface = randomInterface()
        guard nodes[node].plugs[interface] != nil else { return }
        statistics.moves += 1
        let plug = randomPlug()
        nodes[node].plugs[interface] = plug
        note("node \(node + 1) finds interface \(interface) at router \(plug.router) link \(plug.link) without notice")
    }

    private func makeBeforeBreak(_ node: Int) {
        guard scenario.interfacesPerNode > 1 else { return move(node) }
        let old = randomInterface()
        statistics.moves += 1
        unplug(node, 1 - old)
        plug(node, 1 - old, randomPlug())
        queue.plan(.unplug(node: node, interface: old), at: now + chance.milliseconds(20...1500))
    }

    private func flap(_ node: Int) {
        let interface = randomInterface()
        guard let plug = nodes[node].plugs[interface] else { return }
        unplug(node, interface)
        queue.plan(.plug(node: node, interface: interface, plug), at: now + chance.milliseconds(0...50))
    }

    private func crashSomewhere() {
        let router = chance.number(in: 0...routers.count - 1)
        crash(router, losesPower: chance.isHit(perMille: 400))
        queue.plan(.restart(router), at: now + chance.milliseconds(10...2500))
    }

    private func partition() {
        guard routers.count > 1 else { return }
        let a = chance.number(in: 0...routers.count - 2)
        let pair = [a, chance.number(in: a + 1...routers.count - 1)]
        partitions.insert(pair)
        note("routers \(pair) are cut off from each other")
        queue.plan(.heal(pair), at: now + chance.milliseconds(200...4000))
    }

    /// Somebody sends again what he recorded.
    private func replay() {
        guard let (router, datagram) = chance.pick(captured) else { return }
        note("a recorded datagram goes to router \(router) again")
        queue.plan(.toRouter(router, datagram), at: now + chance.microseconds(100...2000))
    }

    /// The most promising moment for it is when a router starts anew.
    func replayAfterRestart(_ router: Int) {
        guard isTurbulent, chance.isHit(perMille: 500) else { return }
        for (_, datagram) in captured.filter({ $0.router == router }).suffix(8) {
            note("a recorded datagram goes to router \(router), which has just started, again")
            queue.plan(.toRouter(router, datagram), at: now + chance.microseconds(100...20000))
        }
    }

    /// A node with a valid key speaks of another's address (T5).
    private func forge() {
        let router = chance.number(in: 0...routers.count - 1)
        guard let victim = chance.pick(routers[router].table.keys.sorted()) else { return }
        let link = InterfaceID(UInt32(chance.number(in: 0...scenario.linksPerRouter - 1)))
        let source =
            chance.pick(AddressFamily.allCases.filter(scenario.families.contains))! == .v4
            ? IPAddress(v4: 0xcb00_7107) : IPAddress(high: 0x2001_0db8_dead_0000, low: 7)
        forgedSequence += 1
        let header = MessageHeader(
            spi: Self.attackerSPI, epoch: 1, sequence: forgedSequence, sender: Self.attacker,
            recipient: routers[router].id)
        let body: MessageBody =
            switch chance.number(in: 0...2) {
            case 0: .release(Release(address: victim))
            case 1:
                .locationUpdate(
                    LocationUpdate(address: victim, location: .away(careOf: source, .ipInIP), lifetime: 0))
            default:
                .attachRequest(
                    AttachRequest(
                        linkAddress: MACAddress(bits: 0x0666), families: scenario.families, lifetime: 5,
                        previousAddresses: [victim]))
            }
        let association: SecurityAssociation
        do {
            association = try SecurityAssociation(
                spi: Self.attackerSPI, node: Self.attacker, key: Self.key(of: Int(Self.attacker)))
        } catch { preconditionFailure("\(error)") }
        note("a node that means ill speaks of \(victim) to router \(router)")
        let bytes = AnchorMessage(header, body).encoded(with: association)
        queue.plan(
            .toRouter(
                router,
                Datagram(
                    source: source, sourcePort: AnchorMessage.port,
                    destination: AddressPlan.endpoint(router, source.family),
                    interface: link, bytes: bytes)), at: now + chance.microseconds(100...2000))
    }
}
