import AnchorCore
import Dispatch
import Netlink
import NetworkTypes

/// What the kernel tells.
extension MobileNodeDriver {
    func watch(_ descriptor: Int32, _ body: @escaping @Sendable (MobileNodeDriver) -> Void) {
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in
            if let self, self.isRunning { body(self) }
        }
        source.activate()
        sources.append(source)
    }

    func kernelChanged() {
        attempt {
            let changes = try monitor.receive()
            if changes.contains(.overrun) { return try refreshLinks() }
            var events: [MobileNodeEvent] = []
            var isIncomplete = false
            for change in changes {
                // Before the table learns of the change: what went is what it still holds.
                isIncomplete = host.misses(after: change) || isIncomplete
                if case .linkRemoved(let link) = change { forget(link) }
                events += host.uplinks.handle(change)
                switch change {
                case .link(let link): prepare(link)
                case .neighbour(let neighbour): gatewayChanged(neighbour)
                default: break
                }
            }
            // Messages first: they are what a move waits for.
            for event in events { tell(event) }
            guard isIncomplete else { return }
            // One that comes up again at once must not wait for what would have to be done again, nor has anybody a use
            // for it before there is a router on a link that has just come up: the router's answer is awaited.
            if host.uplinks.isDown(after: events) || events.contains(where: \.isLinkUp) {
                restoreSoon()
            } else {
                host.restore()
            }
        }
    }

    func tell(_ event: MobileNodeEvent) {
        var lost: [IPAddress] = []
        if case .linkDown(let uplink) = event { lost = host.uplinks[uplink].map { Array($0.gateways.values) } ?? [] }
        handle(event)
        // Another router may be there now, or the same one with another MAC.
        if case .linkUp(let uplink, _) = event { host.resolveRouters(on: uplink) }
        // By now nothing is sent to them any more.
        if case .linkDown(let uplink) = event { host.forgetRouters(lost, of: uplink) }
    }

    private func restoreSoon() {
        guard !restorationIsDue else { return }
        restorationIsDue = true
        queue.asyncAfter(deadline: .now() + Self.restorationSpan) { [weak self] in
            guard let self, self.isRunning else { return }
            self.restoreIfDue()
        }
    }

    func restoreIfDue() {
        guard restorationIsDue else { return }
        restorationIsDue = false
        host.restore()
    }

    func refreshLinks() throws {
        let links = try netlink.links()
        let events = host.uplinks.refresh(links)
        for link in links { prepare(link) }
        host.restore()
        for event in events { tell(event) }
    }

    /// An uplink gets its programs before the state machine hears of it.
    func prepare(_ link: Link) {
        guard let uplink = host.uplinks.uplink(index: link.index) else { return }
        attempt { try forwarding.attach(uplink.id, link) }
        if prepared.insert(link.index).inserted { attempt { try settings.prepareUplink(link.name) } }
    }

    func forget(_ link: Link) {
        guard let uplink = host.uplinks.uplink(index: link.index) else { return }
        forwarding.detach(uplink.id)
        prepared.remove(link.index)
    }

    func gatewayChanged(_ neighbour: Netlink.Neighbour) {
        guard let uplink = host.uplinks.uplink(index: neighbour.interface),
            uplink.gateways.values.contains(neighbour.address)
        else { return }
        attempt {
            try forwarding.setGateway(
                neighbour.address, mac: neighbour.isUsable ? neighbour.mac : nil, on: uplink.id)
        }
        host.routerFound(neighbour)
    }

    // MARK: Path MTU

    /// An ICMP error about a packet that the programs had encapsulated.
    func learn(_ packet: ArraySlice<UInt8>) {
        guard isRunning, let error = TunnelError(packet) else { return }
        let bindings = node.bindings
        let anchor = tunnelMTUs.learn(error, at: surroundings.now()) { own, careOf, peer in
            bindings.contains { $0.address == own && $0.path.tunnel?.local == careOf && $0.path.tunnel?.peer == peer }
        }
        if let anchor { apply(tunnelMTUs[anchor], to: anchor) }
    }

    func apply(_ mtu: UInt16?, to anchor: IPAddress) {
        attempt { try forwarding.setMTU(mtu, to: anchor) }
        host.setMTU(mtu, to: anchor)
    }

    // MARK: Flows

    func socketsEnded() {
        attempt {
            if try flows.socketsEnded(of: addresses) { countSoon() }
        }
    }

    func countSoon() {
        guard !recountIsDue else { return }
        recountIsDue = true
        queue.asyncAfter(deadline: .now() + Self.gatheringSpan) { [weak self] in self?.countFlows() }
    }

    func countFlows() {
        recountIsDue = false
        guard isRunning else { return }
        for anchor in tunnelMTUs.expire(at: surroundings.now()) { apply(nil, to: anchor) }
        guard !addresses.isEmpty else { return }
        attempt {
            let changes = try flows.recount(addresses)
            if !changes.isEmpty { handle(.flows(changes)) }
        }
    }
}
