import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    mutating func receive(_ datagram: Datagram, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]) {
        guard admits(datagram, at: now) else {
            actions.append(.report(.refused(node: nil, source: datagram.source, .rateLimited)))
            return
        }
        do {
            let opened = try keys.open(datagram.bytes, as: configuration.router)
            receive(opened, datagram, at: now, &actions)
        } catch {
            refuse(error, datagram, &actions)
        }
    }

    /// Nodes without an address share one source. They are told apart by the number that they claim to have, and all
    /// of a link together have sixteen times the rate of one.
    private mutating func admits(_ datagram: Datagram, at now: MonotonicInstant) -> Bool {
        guard datagram.source.isUnspecified else { return limiter.admits(datagram.source, at: now) }
        let claimed = datagram.bytes.count >= 28 ? datagram.bytes[20..<28].reduce(0) { $0 << 8 | UInt64($1) } : 0
        return limiter.admits(IPAddress(high: 1, low: claimed), at: now)
    }

    private mutating func receive(
        _ opened: OpenedMessage, _ datagram: Datagram, at now: MonotonicInstant,
        _ actions: inout [AccessRouterAction]
    ) {
        let header = opened.message.header
        if case .solicit = opened.message.body {
            answerSolicitation(header, datagram, &actions)
            return
        }
        guard let association = opened.association, let node = nodeByID[association.node],
            header.sender == association.node
        else {
            actions.append(.report(.refused(node: nil, source: datagram.source, .unexpected)))
            return
        }
        let reply = Reply(
            node: UInt32(node), message: header.reference, route: answerRoute(datagram), limit: datagram.bytes.count)
        let verdict = nodes[Int(node)].window.accept(header.reference)
        if let refusal = verdict.refusal {
            let cause: RefusalCause = refusal.code == .staleEpoch ? .staleEpoch : .replayed
            refuse(reply, refusal.code, cause, view: refusal.view, datagram.source, &actions)
            return
        }
        switch opened.message.body {
        case .attachRequest(let request): attach(request, reply, datagram, at: now, &actions)
        case .locationUpdate(let update): self.update(update, reply, datagram, at: now, &actions)
        case .release(let release): self.release(release, reply, datagram, &actions)
        case .solicit, .advertise, .attachReply, .locationAck, .releaseAck, .error:
            actions.append(.report(.refused(node: association.node, source: datagram.source, .unexpected)))
        }
    }

    /// Back to where it came from; a node without an address is answered on its link.
    func answerRoute(_ datagram: Datagram) -> DatagramRoute {
        guard let interface = datagram.interface else {
            return .unicast(to: datagram.source, port: datagram.sourcePort, from: datagram.destination)
        }
        if datagram.source.isUnspecified { return .allNodes(on: interface, datagram.source.family) }
        let from = datagram.destination
        let isOwn =
            configuration.endpoints.contains(from) || configuration.links.contains { $0.gateways.contains(from) }
        guard isOwn, !datagram.source.isLinkLocal else {
            return .neighbour(datagram.source, port: datagram.sourcePort, on: interface)
        }
        return .unicast(to: datagram.source, port: datagram.sourcePort, from: from)
    }

    mutating func nextHeader(to recipient: UInt64, spi: UInt32) -> MessageHeader {
        sequence &+= 1
        return MessageHeader(
            spi: spi, epoch: configuration.epoch, sequence: sequence, sender: configuration.router,
            recipient: recipient)
    }

    /// An authenticated answer; silence where even the shortest would be larger than the question (T7).
    mutating func answer(_ reply: Reply, _ body: MessageBody, _ actions: inout [AccessRouterAction]) {
        let node = nodes[Int(reply.node)]
        let header = nextHeader(to: node.account.id, spi: node.account.spi)
        let message = AnchorMessage(header, body)
        guard let bytes = message.encoded(with: node.association, noLongerThan: reply.limit) else { return }
        actions.append(.send(OutgoingDatagram(bytes, reply.route)))
    }

    mutating func refuse(
        _ reply: Reply, _ code: ErrorCode, _ cause: RefusalCause, view: MessageReference? = nil, _ source: IPAddress,
        _ actions: inout [AccessRouterAction]
    ) {
        // A sender that numbers from below what was accepted needs to know, whatever the refusal is called.
        let view = view ?? (code == .outdated ? nodes[Int(reply.node)].window.newest : nil)
        let body = ErrorReply(inReplyTo: reply.message, code: code, receiverView: view, text: cause.explanation)
        answer(reply, .error(body), &actions)
        let node = nodes[Int(reply.node)].account.id
        actions.append(.report(.refused(node: node, source: source, cause)))
    }

    /// What is no message to act on: answered with an error where there is anything to say and room to say it.
    private mutating func refuse(
        _ error: MessageError, _ datagram: Datagram, _ actions: inout [AccessRouterAction]
    ) {
        actions.append(.report(.refused(node: nil, source: datagram.source, RefusalCause(error))))
        let reference = nextHeader(to: 0, spi: 0).reference
        guard
            let bytes = keys.refusal(
                of: datagram.bytes, because: error, from: configuration.router, as: reference)
        else { return }
        actions.append(.send(OutgoingDatagram(bytes, answerRoute(datagram))))
    }
}
