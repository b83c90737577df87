import NetworkTypes

/// Finds the slot of an address: a hash table of slot numbers, open-addressed, that leaves the addresses where they
/// are. Each of its places, 8 bytes, has half of the address's hash beside the number, so that it is seldom that an
/// address is looked at in vain. Its user says what address a slot has.
struct AddressIndex: Sendable {
    /// The upper half of the hash, below it the slot's number plus one; 0 where nothing is.
    private var places: [UInt64] = []
    private var mask = 0
    private(set) var count = 0
    /// Nodes may ask for addresses by name: those that share a place are not to be foreseen.
    private let seed: UInt64
    /// What was fetched last: with nobody to use it, it might not be fetched.
    private var fetched: UInt64 = 0

    init(seed: UInt64) { self.seed = seed }

    /// Makes room for so many addresses.
    mutating func reserveCapacity(_ capacity: Int, _ address: (UInt32) -> IPAddress) {
        // At most three quarters are full, so that a search ends soon.
        guard capacity * 4 > places.count * 3 else { return }
        var size = max(16, places.count)
        while capacity * 4 > size * 3 { size *= 2 }
        let former = places
        places = [UInt64](repeating: 0, count: size)
        mask = size - 1
        for entry in former where entry != 0 { put(Self.slot(entry), hash(address(Self.slot(entry)))) }
    }

    @inline(__always)
    func slot(of wanted: IPAddress, _ address: (UInt32) -> IPAddress) -> UInt32? {
        guard count > 0 else { return nil }
        let hash = hash(wanted)
        var place = home(hash)
        while places[place] != 0 {
            let entry = places[place]
            if entry >> 32 == hash >> 32, address(Self.slot(entry)) == wanted { return Self.slot(entry) }
            place = (place + 1) & mask
        }
        return nil
    }

    /// The slot that is almost certainly the address's if it has one: the address in it is not looked at.
    @inline(__always)
    func likelySlot(of wanted: IPAddress) -> UInt32? {
        guard count > 0 else { return nil }
        let hash = hash(wanted)
        var place = home(hash)
        while places[place] != 0 {
            if places[place] >> 32 == hash >> 32 { return Self.slot(places[place]) }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Has the places fetched that many addresses are looked for at, all at once, before they are looked at one by one.
    @inline(__always)
    mutating func fetch<Item>(_ items: [Item], _ address: (Item) -> IPAddress?) {
        guard count > 0 else { return }
        var found: UInt64 = 0
        for item in items {
            if let address = address(item) { found |= places[home(hash(address))] }
        }
        fetched = found
    }

    /// Adds a slot whose address isn't there yet.
    mutating func insert(_ slot: UInt32, _ address: (UInt32) -> IPAddress) {
        reserveCapacity(count + 1, address)
        put(slot, hash(address(slot)))
        count += 1
    }

    /// Takes a slot out that is there.
    mutating func remove(_ slot: UInt32, _ address: (UInt32) -> IPAddress) {
        var hole = home(hash(address(slot)))
        while Self.slot(places[hole]) != slot { hole = (hole + 1) & mask }
        count -= 1
        // Those behind it move up, where they are not before their home then: no marks of what was removed.
        var place = hole
        while true {
            place = (place + 1) & mask
            guard places[place] != 0 else { break }
            let distance = (place - home(hash(address(Self.slot(places[place]))))) & mask
            guard distance >= (place - hole) & mask else { continue }
            places[hole] = places[place]
            hole = place
        }
        places[hole] = 0
    }

    private mutating func put(_ slot: UInt32, _ hash: UInt64) {
        var place = home(hash)
        while places[place] != 0 { place = (place + 1) & mask }
        places[place] = hash & ~0xffff_ffff | UInt64(slot + 1)
    }

    @inline(__always)
    private static func slot(_ entry: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: entry) &- 1 }

    @inline(__always)
    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & mask }

    @inline(__always)
    private func hash(_ address: IPAddress) -> UInt64 {
        var mixed = (address.high ^ seed) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 32 ^ address.low) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 29 ^ seed) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 32
    }
}
