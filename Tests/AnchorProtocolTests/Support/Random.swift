import AnchorProtocol
import NetworkTypes

#if canImport(Glibc)
    import Glibc
#endif

/// splitmix64: the same numbers from the same seed.
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// `FLOWANCHOR_SEED`, or a new one, printed so that a failure can be repeated.
    static func announced(_ purpose: String) -> Random {
        let given = getenv("FLOWANCHOR_SEED").flatMap { UInt64(String(cString: $0)) }
        let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("\(purpose): FLOWANCHOR_SEED=\(seed)")
        return Random(seed: seed)
    }

    /// How often a test of random input repeats itself: `FLOWANCHOR_FUZZ_ITERATIONS`, or the number given.
    static func iterations(_ usual: Int) -> Int {
        getenv("FLOWANCHOR_FUZZ_ITERATIONS").flatMap { Int(String(cString: $0)) } ?? usual
    }
}

extension Random {
    mutating func bool() -> Bool { next() & 1 == 1 }
    mutating func u32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
    mutating func u16() -> UInt16 { UInt16(truncatingIfNeeded: next()) }
    mutating func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func address(_ family: AddressFamily? = nil) -> IPAddress {
        switch family ?? (bool() ? .v4 : .v6) {
        case .v4: IPAddress(v4: UInt32.random(in: 0x0100_0000...0xdfff_ffff, using: &self))
        case .v6: IPAddress(high: next() & 0x7fff_ffff_ffff_ffff | 1, low: next())
        }
    }

    mutating func addresses(_ range: ClosedRange<Int>) -> [IPAddress] { (0..<count(range)).map { _ in address() } }

    mutating func linkAddress() -> MACAddress { MACAddress(bits: next() & ~(1 << 40) | 2) }

    mutating func endpoints() -> [IPAddress] {
        [[], [address(.v4)], [address(.v6)], [address(.v4), address(.v6)]][count(0...3)]
    }

    mutating func tunnel() -> TunnelParameters { bool() ? .ipInIP : .gre(key: u32(), sequenced: bool()) }

    mutating func reference() -> MessageReference { MessageReference(epoch: u32(), sequence: u32()) }

    mutating func prefix() -> IPPrefix {
        let address = address()
        return IPPrefix(address, length: count(0...address.family.addressBits))
            ?? IPPrefix(address, length: address.family.addressBits)!
    }

    mutating func lease() -> AddressLease {
        let address = address()
        return AddressLease(
            address: address, gateway: self.address(address.family),
            prefixLength: UInt8(count(0...address.family.addressBits)), lifetime: u32())
    }

    mutating func location() -> NodeLocation {
        switch count(0...2) {
        case 0: .attached(linkAddress())
        case 1: .away(careOf: address(), tunnel())
        default: .both(linkAddress(), careOf: address(), tunnel())
        }
    }

    mutating func text() -> String {
        let letters = ["a", "Z", " ", "é", "節", "🧭", "9", "👩‍🚒"]
        return (0..<count(0...12)).map { _ in letters[count(0...letters.count - 1)] }.joined()
    }

    mutating func body(_ type: MessageType) -> MessageBody {
        switch type {
        case .solicit: .solicit(Solicit())
        case .advertise:
            .advertise(
                Advertise(
                    inReplyTo: bool() ? reference() : nil, lifetime: u32(), interval: u32(),
                    capabilities: RouterCapabilities(rawValue: u32()), endpoints: endpoints(),
                    prefixes: (0..<count(0...12)).map { _ in prefix() }))
        case .attachRequest:
            .attachRequest(
                AttachRequest(
                    linkAddress: linkAddress(), families: [[], [.v4], [.v6], [.v4, .v6]][count(0...3)],
                    lifetime: u32(), previousAddresses: addresses(0...16)))
        case .attachReply:
            .attachReply(
                AttachReply(
                    inReplyTo: reference(), leases: (0..<count(0...18)).map { _ in lease() },
                    endpoints: endpoints(), mtu: u16(), greKey: u32(),
                    capabilities: RouterCapabilities(rawValue: u32())))
        case .locationUpdate:
            .locationUpdate(LocationUpdate(address: address(), location: location(), lifetime: u32()))
        case .locationAck:
            .locationAck(
                LocationAck(
                    inReplyTo: reference(), address: address(), tunnel: bool() ? tunnel() : nil, lifetime: u32()))
        case .release: .release(Release(address: address()))
        case .releaseAck: .releaseAck(ReleaseAck(inReplyTo: reference(), address: address()))
        case .error:
            .error(
                ErrorReply(
                    inReplyTo: reference(), code: ErrorCode(rawValue: u16()), detail: u16(),
                    receiverView: bool() ? reference() : nil, text: text()))
        }
    }

    mutating func message(_ type: MessageType? = nil) -> AnchorMessage {
        let type = type ?? MessageType.allCases[count(0...MessageType.allCases.count - 1)]
        let spi: UInt32 = type.mustBeAuthenticated || bool() ? 257 : 0
        let other = next() | 2
        let toRouter: Bool =
            switch type {
            case .solicit, .attachRequest, .locationUpdate, .release: true
            case .advertise, .attachReply, .locationAck, .releaseAck: false
            case .error: bool()
            }
        return AnchorMessage(
            MessageHeader(
                spi: spi, epoch: max(1, u32()), sequence: u32(), sender: toRouter ? Fixture.node : other,
                recipient: toRouter ? other : Fixture.node),
            body(type))
    }
}
