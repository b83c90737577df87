import AnchorProtocol
import NetworkTypes

extension MobileNode {
    mutating func linkUp(
        _ interface: InterfaceID, _ mac: MACAddress, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        guard let index = uplinkIndex(interface) else { return }
        let isNew = uplinks[index].mac != mac
        uplinks[index].mac = mac
        // The kernel may have dropped them with the link.
        for lease in leases where lease.interface == interface {
            actions.append(.addAddress(ownAddress(lease)))
        }
        if !isNew, uplinks[index].attachment != nil {
            probe(interface, at: now)
            refreshNow(index, at: now)
        } else {
            uplinks[index].state = .soliciting(Retry(startingAt: now))
        }
    }

    mutating func linkDown(
        _ interface: InterfaceID, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        guard let index = uplinkIndex(interface) else { return }
        let wasAttached = uplinks[index].attachment != nil
        uplinks[index].mac = nil
        uplinks[index].state = .down
        if wasAttached { actions.append(.report(.detached(interface))) }
    }

    /// Told to attach.
    mutating func attach(
        _ interface: InterfaceID, to router: UInt64?, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        guard let index = uplinkIndex(interface) else { return }
        uplinks[index].wanted = router
        guard uplinks[index].mac != nil else { return }
        if let attachment = uplinks[index].attachment, router == nil || attachment.sighting.router == router {
            refreshNow(index, at: now)
        } else {
            uplinks[index].state = .soliciting(Retry(startingAt: now))
        }
    }

    /// Told to leave.
    mutating func detach(
        _ interface: InterfaceID, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        guard let index = uplinkIndex(interface) else { return }
        let wasAttached = uplinks[index].attachment != nil
        uplinks[index].wanted = nil
        uplinks[index].state = .down
        if wasAttached { actions.append(.report(.detached(interface))) }
    }

    /// Finds out whether the router is still there.
    mutating func probe(_ interface: InterfaceID, at now: MonotonicInstant) {
        guard let index = uplinkIndex(interface) else { return }
        changeAttachment(index) { attachment in
            if attachment.probe == nil { attachment.probe = Retry(startingAt: now) }
        }
    }

    mutating func changeAttachment(_ index: Int, _ change: (inout Attachment) -> Void) {
        guard case .attached(var attachment) = uplinks[index].state else { return }
        change(&attachment)
        uplinks[index].state = .attached(attachment)
    }

    mutating func heard(
        _ advertise: Advertise, _ header: MessageHeader, _ datagram: Datagram, at now: MonotonicInstant,
        _ actions: inout [MobileNodeAction]
    ) {
        guard let interface = datagram.interface, let index = uplinkIndex(interface) else { return }
        let lifetime =
            advertise.interval == 0 ? configuration.routerLifetime : TimeSpan.seconds(Int(advertise.lifetime))
        let sighting = Sighting(
            router: header.sender, epoch: header.epoch, source: datagram.source, lifetime: max(lifetime, .seconds(1)),
            prefixes: advertise.prefixes)
        switch uplinks[index].state {
        case .soliciting(_, let guesses):
            guard advertise.lifetime > 0, uplinks[index].wanted.map({ $0 == sighting.router }) ?? true else { return }
            actions.append(.report(.routerFound(interface, router: sighting.router)))
            if let guess = guesses.first(where: { $0.sighting.router == sighting.router }) {
                uplinks[index].state = .attaching(sighting, guess.retry, listed: guess.listed)
            } else {
                beginAttaching(index, to: sighting, at: now)
            }
        case .attached(let attachment) where attachment.sighting.router == sighting.router:
            if advertise.lifetime == 0 {
                lose(index, at: now, &actions)
            } else {
                heardOwnRouter(index, sighting, at: now)
            }
        case .attached(let attachment):
            guard advertise.lifetime > 0, uplinks[index].wanted == nil,
                now - attachment.lastHeard > .milliseconds(100)
            else { return }
            changeAttachment(index) { attachment in
                attachment.candidate = sighting
                if attachment.probe == nil { attachment.probe = Retry(startingAt: now) }
            }
        case .down, .attaching, .refused: return
        }
    }

    private mutating func heardOwnRouter(_ index: Int, _ sighting: Sighting, at now: MonotonicInstant) {
        var isOther = false
        changeAttachment(index) { attachment in
            attachment.lastHeard = now
            attachment.probe = nil
            attachment.candidate = nil
            isOther = attachment.sighting.epoch != sighting.epoch || attachment.sighting.prefixes != sighting.prefixes
            attachment.sighting = sighting
        }
        // Started anew it may have lost what it could not store; on another link it must learn of the change.
        if isOther { refreshNow(index, at: now) }
    }

    /// The router of an uplink is gone.
    mutating func lose(_ index: Int, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]) {
        guard let attachment = uplinks[index].attachment else { return }
        actions.append(.report(.routerLost(uplinks[index].interface, router: attachment.sighting.router)))
        uplinks[index].state = .soliciting(Retry(startingAt: now))
        if let candidate = attachment.candidate { beginAttaching(index, to: candidate, at: now) }
    }

    mutating func solicit(
        _ index: Int, _ retry: inout Retry, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        let header = nextHeader(to: 0, spi: 0)
        let bytes = AnchorMessage(header, .solicit(Solicit())).encoded(with: nil)
        for family in AddressFamily.allCases where configuration.families.contains(family) {
            actions.append(.send(OutgoingDatagram(bytes, .allRouters(on: uplinks[index].interface, family))))
        }
        let wait = retransmission(after: retry.attempts, atMost: min(configuration.longestRetransmission, .seconds(1)))
        retry.sent(header.reference, nextAt: now + wait)
    }

    mutating func runUplinkTimers(at now: MonotonicInstant, _ actions: inout [MobileNodeAction]) {
        for index in uplinks.indices {
            switch uplinks[index].state {
            case .down: continue
            case .soliciting(var retry, var guesses):
                guard retry.nextAt <= now else { continue }
                if retry.attempts == 0 { guesses = guess(index, at: now, &actions) }
                solicit(index, &retry, at: now, &actions)
                uplinks[index].state = .soliciting(retry, guesses: guesses)
            case .attaching(let sighting, let retry, _):
                guard retry.nextAt <= now else { continue }
                guard retry.attempts < 6 else {
                    uplinks[index].state = .soliciting(Retry(startingAt: now))
                    runUplinkTimers(at: now, &actions)
                    return
                }
                requestAttachment(index, sighting, retry, at: now, &actions)
            case .refused(let until):
                guard until <= now else { continue }
                var retry = Retry(startingAt: now)
                solicit(index, &retry, at: now, &actions)
                uplinks[index].state = .soliciting(retry)
            case .attached: runAttachmentTimers(index, at: now, &actions)
            }
        }
    }

    private mutating func runAttachmentTimers(
        _ index: Int, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        guard var attachment = uplinks[index].attachment else { return }
        if attachment.probe == nil, now >= attachment.lastHeard + attachment.sighting.lifetime {
            attachment.probe = Retry(startingAt: now)
        }
        if var retry = attachment.probe, retry.nextAt <= now {
            guard retry.attempts < 4 else {
                uplinks[index].state = .attached(attachment)
                lose(index, at: now, &actions)
                runUplinkTimers(at: now, &actions)
                return
            }
            solicit(index, &retry, at: now, &actions)
            attachment.probe = retry
        }
        uplinks[index].state = .attached(attachment)
        if attachment.refresh == nil, attachment.refreshAt <= now { refreshNow(index, at: now) }
        if let refresh = uplinks[index].attachment?.refresh, refresh.nextAt <= now {
            guard refresh.attempts < 8 else {
                lose(index, at: now, &actions)
                runUplinkTimers(at: now, &actions)
                return
            }
            requestAttachment(index, attachment.sighting, refresh, at: now, &actions)
        }
    }
}
