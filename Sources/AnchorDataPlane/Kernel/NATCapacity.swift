import FlowAnchorABI

/// Sizes of the NAT's tables; an instance without NAT has the smallest.
public struct NATCapacity: Hashable, Sendable {
    /// Slots of the table of translations, of 64 bytes, raised to a power of two.
    public var translations: Int
    /// Slots of the table of subscribers, of 128 bytes, raised to a power of two; four times as many as there are.
    /// Nothing is behind that table: half full, one in 50,000 finds no slot.
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
    /// A flow takes two slots, its mapping one, and with UDP its filter another: four at most. With three buckets of four
    /// slots a key, none of a million insertions finds no slot while the table is half full, one in 3,000 does at 62 %,
    /// and one in 700 at two thirds. Six slots a flow: half full where each flow has a mapping of its own, two thirds at
    /// the very worst, with a filter for each flow as well.
    public static func slots(flows: Int) -> Int { flows * 6 }

    /// The fill from which on an operator should know, 80 % of what the table is made for.
    public static let warningFill = 0.5

    /// At most so many outside addresses: more ports than a map of the kernel can have.
    public static let outsideLimit = 16384

    /// Entries of the maps, by name.
    var entries: [String: UInt32] {
        let outside = KernelDataPlane.powerOfTwo(outsideAddresses)
        let slots = KernelDataPlane.powerOfTwo(translations)
        return [
            "fa_translations": slots,
            "fa_translations_elsewhere": max(1, slots / (64 * FA_BUCKET_SLOTS)),
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
