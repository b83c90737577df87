import FlowAnchorABI

/// Sizes of the NAT's tables; an instance without NAT has the smallest.
public struct NATCapacity: Hashable, Sendable {
    /// Slots of the table of translations, of 64 bytes, raised to a power of two.
    public var translations: Int
    /// Slots of the table of subscribers, of 128 bytes, raised to a power of two.
    public var subscribers: Int
    /// Outside addresses, of 1.5 MiB each, raised to a power of two so that adding one seldom changes the size.
    public var outsideAddresses: Int

    public init(translations: Int, subscribers: Int, outsideAddresses: Int) {
        self.translations = translations
        self.subscribers = subscribers
        self.outsideAddresses = outsideAddresses
    }

    /// Slots for so many flows at once.
    ///
    /// A flow takes two slots, its mapping one, and with UDP its filter another: four at most. A key has two buckets of
    /// four slots, and goes to the second when the first is nearly full and the second less so: with random keys one
    /// insertion in 20,000 finds no slot when the table is three eighths full, one in 360 at a half, one in 60 at 0.6
    /// and one in six at 0.8. Eight slots a flow keep it at three eighths with a mapping for each flow and no filter,
    /// and half full at the very worst.
    public static func slots(flows: Int) -> Int { flows * 8 }

    /// The fill from which on an operator should know, 80 % of what the table is made for.
    public static let warningFill = 0.4

    /// At most so many outside addresses: more ports than a map of the kernel can have.
    public static let outsideLimit = 16384

    /// Entries of the maps, by name.
    var entries: [String: UInt32] {
        let outside = KernelDataPlane.powerOfTwo(outsideAddresses)
        return [
            "fa_translations": KernelDataPlane.powerOfTwo(translations),
            "fa_subscribers": KernelDataPlane.powerOfTwo(subscribers),
            "fa_nat_blocks": outside * FA_NAT_ADDRESS_BLOCKS,
            "fa_nat_ports": outside * FA_NAT_PROTOCOLS * 65536,
        ]
    }

    func check() throws(DataPlaneError) {
        for (name, value) in [("translations", translations), ("subscribers", subscribers)] {
            guard (8...(1 << 28)).contains(value) else {
                throw .invalid("the table of \(name): its size \(value) is not within 8 and \(1 << 28)")
            }
        }
        guard (1...Self.outsideLimit).contains(outsideAddresses) else {
            throw .invalid("\(outsideAddresses) outside addresses; 1 to \(Self.outsideLimit) are possible")
        }
    }
}
