import CAtomics
import FlowAnchorABI
import NetworkTypes

/// Flows that began at other routers [0080] [0087].
extension NATTable {
    /// Has the programs send the packets of these flows, which come from a host that is a subscriber, to where they
    /// began.
    ///
    /// Of each router a host has no more flows than it may have here (T3). One that is there already stays, with the
    /// router that is named now if it began elsewhere; one that began here is left alone. Told again, nothing is there
    /// twice.
    public func insertAway(_ flows: some Sequence<RoamingFlow>, of inside: IPAddress) -> AwayResult {
        var room = awayRoom(of: inside)
        return insertAway(flows, of: inside, within: &room)
    }

    /// How many more flows a host may have of each router. To find out is to walk its chain.
    public func awayRoom(of inside: IPAddress) -> AwayRoom {
        var room = AwayRoom(most: flowLimit(of: inside) ?? 0, routers: RouterEntry.limit)
        flows(of: inside) { flow in
            if let anchor = flow.anchor { room.left[Int(anchor) % RouterEntry.limit] -= 1 }
            return true
        }
        return room
    }

    /// The same, of a table that comes in parts: the room is looked for once.
    /// - Parameter room: before the first part that of the host; each part takes its own off.
    public func insertAway(
        _ flows: some Sequence<RoamingFlow>, of inside: IPAddress, within room: inout AwayRoom
    ) -> AwayResult {
        var result = AwayResult()
        var part: [RoamingFlow] = []
        part.reserveCapacity(Self.insertedAtOnce)
        for flow in flows {
            part.append(flow)
            guard part.count == Self.insertedAtOnce else { continue }
            insert(part, of: inside, &room.left, &result)
            part.removeAll(keepingCapacity: true)
        }
        insert(part, of: inside, &room.left, &result)
        return result
    }

    /// For so many the lock is held: a millisecond at most.
    private static var insertedAtOnce: Int { 512 }
    /// So many are looked at once their slots were fetched: memory takes longer than all the rest.
    private static var fetchedAtOnce: Int { 16 }

    /// A flow, and where its slots are or go.
    private struct Candidate {
        var flow: RoamingFlow
        var up: UInt64
        var away: UInt64
    }

    private func insert(_ part: [RoamingFlow], of inside: IPAddress, _ room: inout [Int], _ result: inout AwayResult) {
        result += writer.withLock { writer in
            var part = part[...]
            guard let owner = place(of: inside), let local = inside.v4Bits?.bigEndian else {
                return AwayResult(refused: part.count)
            }
            var result = AwayResult()
            var fetched: [Candidate] = []
            fetched.reserveCapacity(Self.fetchedAtOnce)
            while !part.isEmpty {
                fetched.removeAll(keepingCapacity: true)
                for flow in part.prefix(Self.fetchedAtOnce) {
                    let candidate = Candidate(
                        flow: flow, up: memory.hash(TranslationKey(flow.key(local, NATKind.up))),
                        away: memory.hash(TranslationKey(flow.key(local, NATKind.away))))
                    memory.prefetch(candidate.up)
                    memory.prefetch(candidate.away)
                    fetched.append(candidate)
                }
                part = part.dropFirst(Self.fetchedAtOnce)
                for candidate in fetched { insert(candidate, local, owner, &writer, &room, &result) }
            }
            return result
        }
    }

    @inline(__always)
    private func insert(
        _ candidate: Candidate, _ local: UInt32, _ owner: Int, _ writer: inout Writer, _ room: inout [Int],
        _ result: inout AwayResult
    ) {
        let flow = candidate.flow
        guard flow.isAway, let anchor = flow.anchor else {
            result.refused += 1
            return
        }
        let up = memory.find(TranslationKey(flow.key(local, NATKind.up)), candidate.up)
        if let up, memory.translations.slots[up.index].subscriber == UInt32(owner) {
            result.present += 1
            return
        }
        let key = flow.key(local, NATKind.away)
        if let found = memory.find(TranslationKey(key), candidate.away) {
            if renew(found, flow, anchor, owner) {
                result.present += 1
                return
            }
            // Its subscriber is on its way out, and it would go with it.
            retire(found, &writer)
        }
        guard room[Int(anchor)] > 0, case .claimed(let claim) = memory.claim(TranslationKey(key), candidate.away) else {
            result.refused += 1
            return
        }
        room[Int(anchor)] -= 1
        let slot = memory.translations.slots + claim.index
        // Each field by itself: the word in front must stay.
        slot.pointee.key = key
        slot.pointee.address_be = 0
        slot.pointee.port_be = 0
        slot.pointee.header_sum = 0
        slot.pointee.transport_sum = 0
        slot.pointee.last_seen = flow.lastSeen
        // Another router says so: no more of it than what it can mean.
        slot.pointee.seen = flow.seen & (FA_NAT_SEEN | FA_NAT_SYN | FA_NAT_FIN | FA_NAT_RST)
        slot.pointee.router = anchor
        slot.pointee.mapping = 0
        slot.pointee.subscriber = UInt32(owner)
        chain(claim.index, to: owner)
        // Published once it is in the chain: whoever is killed before leaves a slot there that nobody uses.
        memory.translations.publish(claim)
        result.inserted += 1
    }

    /// - Returns: `false` if the flow is not of this subscriber.
    private func renew(_ found: NATMemory.Reference, _ flow: RoamingFlow, _ anchor: UInt32, _ owner: Int) -> Bool {
        let slot = memory.translations.slots + found.index
        guard slot.pointee.subscriber == UInt32(owner) else { return false }
        ca_store_release_u32(memory.place(found.index) + NATOffset.twin, anchor)
        if Int32(bitPattern: flow.lastSeen &- slot.pointee.last_seen) > 0 {
            ca_store_relaxed_u32(memory.place(found.index) + NATOffset.lastSeen, flow.lastSeen)
        }
        return true
    }

    private func retire(_ found: NATMemory.Reference, _ writer: inout Writer) {
        let owner = memory.translations.slots[found.index].subscriber
        guard ca_compare_exchange_u64(memory.place(found.index), found.word.raw, found.word.next(.claimed, tag: 0).raw)
        else { return }
        writer.retired.append(UInt32(found.index))
        writer.torn.insert(owner % UInt32(memory.subscribers.capacity))
    }

    /// Puts a slot in front of a subscriber's chain; in one step, other than programs, which can't be killed half-way.
    func chain(_ index: Int, to owner: Int) {
        let head = field(NATOffset.chain, of: owner)
        var first: UInt32
        repeat {
            first = ca_load_acquire_u32(head)
            ca_store_relaxed_u32(memory.place(index) + NATOffset.next, first)
        } while !ca_compare_exchange_u32(head, first, UInt32(index) + 1)
    }

    /// Takes out the flows of a host that began at a router, or at any. Their slots are free after the next pass of
    /// ``expire(_:now:from:places:)``.
    /// - Parameter router: its index; `nil` for all.
    /// - Returns: how many there were.
    @discardableResult
    public func removeAway(of inside: IPAddress, router: UInt32?) -> Int {
        writer.withLock { writer in
            guard let owner = place(of: inside) else { return 0 }
            var taken: [UInt32] = []
            let isDone = sweep(owner) { index, word in
                let slot = memory.translations.slots + index
                guard slot.pointee.key.kind == NATKind.away, router == nil || slot.pointee.router == router,
                    ca_compare_exchange_u64(slot, word.raw, word.next(.claimed, tag: 0).raw)
                else { return false }
                taken.append(UInt32(index))
                return true
            }
            // What was in front when a program held it up may not be out of the chain.
            if isDone {
                writer.unlinked += taken
            } else {
                writer.retired += taken
                writer.torn.insert(UInt32(owner))
            }
            return taken.count
        }
    }
}
