import NetworkTypes

/// The addresses of an access link that are not leased. It hands out addresses that were never used before those that
/// were, so that a node that comes back late still finds its old one free.
struct AddressPool: Sendable {
    private struct Block: Sendable {
        let prefix: IPPrefix
        /// Offset of the next address that was never handed out.
        var next: UInt64
        /// Behind the last one to hand out.
        let end: UInt64

        func holds(_ address: IPAddress) -> Bool {
            guard prefix.contains(address) else { return false }
            let offset = address.low &- prefix.address.low
            let first: UInt64 = prefix.length < prefix.family.addressBits - 1 ? 1 : 0
            return offset >= first && offset < end
        }
    }

    private struct Returned: Sendable {
        let address: IPAddress
        let ready: MonotonicInstant
    }

    private var blocks: [Block]
    private let reserved: Set<IPAddress>
    /// From the lowest to the highest of them: what is outside, as most is, need not be searched for.
    private let reservedRange: ClosedRange<IPAddress>?
    /// Former owners of addresses that wait to be used again; only they get them before their time.
    private var formerOwners = FormerOwners()
    private var returned: [AddressFamily: [Returned]] = [:]
    private var returnedHead: [AddressFamily: Int] = [:]

    /// - Parameter reserved: addresses that are never handed out: gateways and endpoints.
    init(_ prefixes: [IPPrefix], reserved: Set<IPAddress>) {
        let own = reserved.filter { address in prefixes.contains { $0.contains(address) } }
        self.reserved = own
        reservedRange = own.min().flatMap { low in own.max().map { low...$0 } }
        blocks = prefixes.map { prefix in
            let isNetwork = prefix.length < prefix.family.addressBits - 1
            let last = prefix.count == .max ? UInt64.max : prefix.count
            return Block(
                prefix: prefix, next: isNetwork ? 1 : 0,
                end: isNetwork && prefix.family == .v4 ? last - 1 : last)
        }
    }

    func serves(_ family: AddressFamily) -> Bool { blocks.contains { $0.prefix.family == family } }

    private func isReserved(_ address: IPAddress) -> Bool {
        reservedRange?.contains(address) == true && reserved.contains(address)
    }

    /// Whether the address may be leased from here.
    func holds(_ address: IPAddress) -> Bool {
        !isReserved(address) && blocks.contains { $0.holds(address) }
    }

    /// An address for that node which `isFree` admits; `nil` when there is none.
    mutating func take(
        _ family: AddressFamily, for node: UInt64, at now: MonotonicInstant, isFree: (IPAddress) -> Bool
    ) -> IPAddress? {
        for index in blocks.indices where blocks[index].prefix.family == family {
            while blocks[index].next < blocks[index].end {
                let candidate = blocks[index].prefix.address(at: blocks[index].next)!
                blocks[index].next += 1
                if !isReserved(candidate), formerOwners[candidate] == nil, isFree(candidate) { return candidate }
            }
        }
        return takeReturned(family, at: now, isFree: isFree)
    }

    /// Whether that node may have exactly this address now (it must not be leased).
    func admits(_ address: IPAddress, for node: UInt64, at now: MonotonicInstant) -> Bool {
        guard holds(address) else { return false }
        guard let owner = formerOwners[address] else { return true }
        return owner == node
    }

    /// The address is leased, outside of `take`.
    mutating func claim(_ address: IPAddress) { formerOwners[address] = nil }

    /// The lease ended. Another node gets the address from `ready` on.
    mutating func giveBack(_ address: IPAddress, of node: UInt64, ready: MonotonicInstant) {
        formerOwners[address] = node
        returned[address.family, default: []].append(Returned(address: address, ready: ready))
    }

    private mutating func takeReturned(
        _ family: AddressFamily, at now: MonotonicInstant, isFree: (IPAddress) -> Bool
    ) -> IPAddress? {
        var head = returnedHead[family] ?? 0
        defer { compact(family, head: head) }
        while let first = returned[family]?[head...].first, first.ready <= now {
            head += 1
            // Leased again by its former owner meanwhile: it is given back once more when that lease ends.
            guard formerOwners[first.address] != nil, isFree(first.address) else { continue }
            formerOwners[first.address] = nil
            return first.address
        }
        return nil
    }

    private mutating func compact(_ family: AddressFamily, head: Int) {
        guard head > 64, head * 2 > returned[family]!.count else {
            returnedHead[family] = head
            return
        }
        returned[family]!.removeFirst(head)
        returnedHead[family] = 0
    }
}
