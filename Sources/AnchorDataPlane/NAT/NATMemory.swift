import CAtomics
import FlowAnchorABI
import NetworkTypes

/// The tables of the NAT (`fa_nat.h`) as memory that is shared with the programs. It must outlive what uses it.
///
/// It may go from thread to thread: what changes is in that memory, and changed atomically.
struct NATMemory: @unchecked Sendable {
    let translations: SlotTable<TranslationLayout>
    /// A bit a bucket: whether keys whose first one it is have gone to another.
    let elsewhere: UnsafeMutablePointer<UInt64>
    let subscribers: SlotTable<SubscriberLayout>
    let blocks: UnsafeMutableRawPointer
    let ports: UnsafeMutablePointer<UInt64>
    /// Outside addresses that there is room for.
    let outsideCapacity: Int
    /// Has the hash's secret and the outside ranges.
    let config: UnsafePointer<fa_config>

    // MARK: Hashes

    @inline(__always)
    private var secret: UnsafePointer<UInt64> {
        (UnsafeRawPointer(config) + MemoryLayout<fa_config>.offset(of: \.hash_secret).unsafelyUnwrapped)
            .assumingMemoryBound(to: UInt64.self)
    }

    @inline(__always)
    func hash(_ key: TranslationKey) -> UInt64 {
        withUnsafeBytes(of: key.words) {
            fa_hash_translation(secret, $0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self))
        }
    }

    @inline(__always)
    func hash(_ key: fa_subscriber_key) -> UInt64 {
        fa_hash_subscriber(secret, withUnsafeBytes(of: key) { $0.load(as: UInt64.self) })
    }

    /// The slot of a translation.
    @inline(__always)
    func place(_ index: Int) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(translations.slots + index) }

    // MARK: Outside addresses

    /// - Parameter address: in network order.
    /// - Returns: the address's number, `nil` if it is no outside address, or one without room in the tables.
    @inline(__always)
    func outsideNumber(_ address: UInt32) -> Int? {
        let value = UInt32(bigEndian: address)
        let ranges = (UnsafeRawPointer(config) + MemoryLayout<fa_config>.offset(of: \.outside).unsafelyUnwrapped)
            .assumingMemoryBound(to: fa_outside.self)
        var place = 0
        let count = min(Int(config.pointee.outside_count), Int(FA_OUTSIDE_LIMIT))
        while place < count {
            let range = ranges + place
            if value &- range.pointee.first < range.pointee.count {
                let number = Int(range.pointee.index) + Int(value &- range.pointee.first)
                return number < outsideCapacity ? number : nil
            }
            place += 1
        }
        return nil
    }

    // MARK: Ports

    /// The word of a block's bits that has a port's.
    @inline(__always)
    func bits(_ number: Int, row: Int, port: Int) -> UnsafeMutableRawPointer {
        let block = number * Int(FA_NAT_ADDRESS_BLOCKS) + port / Int(FA_NAT_BLOCK_PORTS)
        let word = row * Int(FA_NAT_BLOCK_WORDS) + port % Int(FA_NAT_BLOCK_PORTS) / 64
        return blocks + block * MemoryLayout<fa_nat_block>.stride + word * 8
    }

    /// The entry of `fa_nat_ports` for a port.
    @inline(__always)
    func entry(_ number: Int, row: Int, port: Int) -> UnsafeMutablePointer<UInt64> {
        ports + ((number * Int(FA_NAT_PROTOCOLS) + row) * 65536 + port)
    }

    /// Ports of a block that are taken, by row.
    func portsInUse(_ block: UInt32) -> NATPortCount {
        let words = blocks + Int(block) * MemoryLayout<fa_nat_block>.stride
        func count(_ row: UInt32) -> Int {
            (0..<Int(FA_NAT_BLOCK_WORDS)).reduce(0) {
                let word = Int(row) * Int(FA_NAT_BLOCK_WORDS) + $1
                return $0 + ca_load_relaxed_u64(words + word * 8).nonzeroBitCount
            }
        }
        return NATPortCount(tcp: count(FA_NAT_TCP), udp: count(FA_NAT_UDP), icmp: count(FA_NAT_ICMP))
    }

    func isUnused(_ block: UInt32) -> Bool {
        let words = blocks + Int(block) * MemoryLayout<fa_nat_block>.stride
        return (0..<Int(FA_NAT_PROTOCOLS * FA_NAT_BLOCK_WORDS)).allSatisfy { ca_load_relaxed_u64(words + $0 * 8) == 0 }
    }
}

extension NATMemory {
    init(_ maps: SharedMaps) {
        translations = SlotTable(
            slots: maps.translations.base, capacity: maps.translations.count, state: maps.translationState.base)
        elsewhere = maps.elsewhere.base.assumingMemoryBound(to: UInt64.self)
        subscribers = SlotTable(
            slots: maps.subscribers.base, capacity: maps.subscribers.count, state: maps.subscriberState.base)
        blocks = maps.natBlocks.base
        ports = maps.natPorts.base.assumingMemoryBound(to: UInt64.self)
        outsideCapacity = min(
            maps.natBlocks.count / Int(FA_NAT_ADDRESS_BLOCKS), maps.natPorts.count / (Int(FA_NAT_PROTOCOLS) * 65536))
        config = UnsafePointer(maps.config.base.assumingMemoryBound(to: fa_config.self))
    }
}

/// Ports, or identifiers of ICMP echoes, that are taken.
public struct NATPortCount: Hashable, Sendable {
    public var tcp: Int
    public var udp: Int
    public var icmp: Int

    public init(tcp: Int = 0, udp: Int = 0, icmp: Int = 0) {
        self.tcp = tcp
        self.udp = udp
        self.icmp = icmp
    }

    public static func += (a: inout NATPortCount, b: NATPortCount) {
        a.tcp += b.tcp
        a.udp += b.udp
        a.icmp += b.icmp
    }
}
