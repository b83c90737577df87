import AnchorProtocol
import NetworkTypes

extension MobileNode {
    mutating func receive(_ datagram: Datagram, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]) {
        let opened: OpenedMessage
        do {
            opened = try keys.open(datagram.bytes, as: configuration.node)
        } catch {
            switch error {
            case .wrongRecipient, .unknownSPI: return  // another node's, by broadcast
            default: actions.append(.report(.discarded(source: datagram.source, RefusalCause(error))))
            }
            return
        }
        let header = opened.message.header
        switch opened.message.body {
        case .advertise(let advertise): heard(advertise, header, datagram, at: now, &actions)
        case .attachReply(let reply):
            attached(reply, by: header.sender, epoch: header.epoch, datagram, at: now, &actions)
        case .locationAck(let ack): acknowledged(ack, by: header.sender, at: now, &actions)
        case .releaseAck(let ack): released(ack, by: header.sender, &actions)
        case .error(let error):
            guard opened.isAuthentic else {
                // A hint for a person: anybody could have sent it.
                actions.append(.report(.refusalHeard(code: error.code.rawValue, text: error.text)))
                return
            }
            refused(error, by: header.sender, at: now, &actions)
        case .solicit, .attachRequest, .locationUpdate, .release:
            guard header.sender != configuration.node else { return }  // its own broadcast
            actions.append(.report(.discarded(source: datagram.source, .unexpected)))
        }
    }

    /// The anchor has the new location in force.
    private mutating func acknowledged(
        _ ack: LocationAck, by router: UInt64, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        guard let index = leases.firstIndex(where: { $0.address == ack.address && $0.router == router }),
            let exchange = leases[index].exchange, case .update(let place) = exchange.purpose,
            exchange.retry.isAnswered(by: ack.inReplyTo)
        else { return }
        let isNew = leases[index].confirmed != place
        leases[index].exchange = nil
        leases[index].confirmed = place
        leases[index].unreachableWasReported = false
        leases[index].lifetime = .seconds(Int(ack.lifetime))
        leases[index].expires = now + leases[index].lifetime
        leases[index].refreshAt = now + random.jittered(leases[index].lifetime / 2)
        guard isNew else { return }
        switch place {
        case .attached: actions.append(.report(.returned(address: ack.address)))
        case .away(let careOf, _): actions.append(.report(.moved(address: ack.address, careOf: careOf)))
        case .both(_, let careOf, _): actions.append(.report(.bothInUse(address: ack.address, careOf: careOf)))
        }
    }

    private mutating func released(_ ack: ReleaseAck, by router: UInt64, _ actions: inout [MobileNodeAction]) {
        guard let lease = leases.first(where: { $0.address == ack.address && $0.router == router }),
            lease.isReleasing, lease.exchange?.retry.isAnswered(by: ack.inReplyTo) == true
        else { return }
        _ = drop(ack.address, &actions)
        actions.append(.report(.released(address: ack.address)))
    }

    /// A router refused something, and it is that router.
    private mutating func refused(
        _ error: ErrorReply, by router: UInt64, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        let reference = error.inReplyTo
        let uplink = uplinks.firstIndex { $0.isWaiting(for: reference, of: router) }
        let lease = leases.firstIndex {
            $0.router == router && $0.exchange?.retry.isAnswered(by: reference) == true
        }
        guard uplink != nil || lease != nil else { return }
        // Whatever it says, it is there.
        if let uplink { confirmGuess(uplink, reference, of: router) }
        switch error.code {
        case .staleEpoch, .replayed, .outdated:
            guard catchUp(error.receiverView, &actions) else { return }
            if let uplink { hasten(uplink, to: now) }
            if let lease { leases[lease].exchange?.retry.hasten(to: now) }
        case .rateLimited, .storageFailed, .malformed:
            // The next copy, with its own sequence number, comes by itself.
            return
        case .unknownAddress, .notOwner:
            guard let lease else { return }
            if leases[lease].isReleasing {
                _ = drop(leases[lease].address, &actions)
            } else {
                lose(leases[lease].address, code: error.code.rawValue, error.text, &actions)
            }
        default:
            if let uplink { refusedAttachment(uplink, error, at: now, &actions) }
            if let lease { leases[lease].exchange?.retry.sent(reference, nextAt: now + .seconds(5)) }
        }
    }

    private mutating func refusedAttachment(
        _ index: Int, _ error: ErrorReply, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        actions.append(
            .report(.attachRefused(uplinks[index].interface, code: error.code.rawValue, text: error.text)))
        uplinks[index].state = .refused(until: now + random.jittered(.seconds(5)))
    }

    private mutating func hasten(_ index: Int, to now: MonotonicInstant) {
        switch uplinks[index].state {
        case .attaching(let sighting, var retry, let listed):
            retry.hasten(to: now)
            uplinks[index].state = .attaching(sighting, retry, listed: listed)
        case .attached(var attachment):
            attachment.refresh?.hasten(to: now)
            uplinks[index].state = .attached(attachment)
        case .down, .soliciting, .refused: return
        }
    }

    /// Goes on above what a router has seen of this node (T13). A view that it is at or past, as after a datagram that the
    /// network repeated, changes nothing.
    /// - Returns: whether it was behind. Otherwise the next copy, which has its own number, comes by itself.
    private mutating func catchUp(_ view: MessageReference?, _ actions: inout [MobileNodeAction]) -> Bool {
        guard let view, view > MessageReference(epoch: epoch, sequence: sequence), view.epoch < .max else {
            return false
        }
        epoch = view.epoch + 1
        sequence = 0
        actions.append(.rememberEpoch(epoch))
        return true
    }
}
