import NetworkTypes

/// A header, or what follows the headers, to build packets from: `Frame.encode([.ethernet(…), .ipv4(…),
/// .udp(…), .payload(…)])`. Lengths, protocol numbers and checksums follow from what is inside, except
/// where a field here overrides them, so that tests can make packets that are wrong in one place.
public enum Layer: Hashable, Sendable {
    case ethernet(Ethernet)
    case ipv4(IPv4)
    case ipv6(IPv6)
    case gre(GRE)
    case tcp(TCP)
    case udp(UDP)
    case icmp(ICMP)
    case payload([UInt8])

    public struct Ethernet: Hashable, Sendable {
        public var destination: MACAddress
        public var source: MACAddress
        /// 802.1Q tags, outermost first, each the 16 bits of its TCI.
        public var tags: [UInt16]
        public var etherType: UInt16?

        public init(
            destination: MACAddress, source: MACAddress, tags: [UInt16] = [], etherType: UInt16? = nil
        ) {
            self.destination = destination
            self.source = source
            self.tags = tags
            self.etherType = etherType
        }
    }

    public struct IPv4: Hashable, Sendable {
        public var source: IPAddress
        public var destination: IPAddress
        public var ttl: UInt8 = 64
        public var dscp: UInt8 = 0
        /// 0 not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.
        public var ecn: UInt8 = 0
        public var identification: UInt16 = 0
        public var dontFragment = true
        public var moreFragments = false
        /// In units of 8 bytes.
        public var fragmentOffset: UInt16 = 0
        /// A multiple of four bytes.
        public var options: [UInt8] = []
        public var protocolNumber: UInt8?
        public var totalLength: UInt16?

        public init(_ source: IPAddress, _ destination: IPAddress) {
            self.source = source
            self.destination = destination
        }
    }

    public struct IPv6: Hashable, Sendable {
        public var source: IPAddress
        public var destination: IPAddress
        public var hopLimit: UInt8 = 64
        public var dscp: UInt8 = 0
        public var ecn: UInt8 = 0
        public var flowLabel: UInt32 = 0
        /// Extension headers: number and whole contents, a multiple of eight bytes, first byte (next
        /// header) filled in.
        public var extensions: [Extension] = []
        public var nextHeader: UInt8?
        public var payloadLength: UInt16?

        public struct Extension: Hashable, Sendable {
            public var number: UInt8
            public var bytes: [UInt8]

            public init(_ number: UInt8, _ bytes: [UInt8]) {
                self.number = number
                self.bytes = bytes
            }
        }

        public init(_ source: IPAddress, _ destination: IPAddress) {
            self.source = source
            self.destination = destination
        }
    }

    /// RFC 2784 and RFC 2890.
    public struct GRE: Hashable, Sendable {
        public var key: UInt32?
        public var sequence: UInt32?
        /// Flags and version beside those that follow from the fields.
        public var extraFlags: UInt16 = 0

        public init(key: UInt32? = nil, sequence: UInt32? = nil) {
            self.key = key
            self.sequence = sequence
        }
    }

    public struct TCP: Hashable, Sendable {
        public var sourcePort: UInt16
        public var destinationPort: UInt16
        public var flags: UInt8
        public var sequence: UInt32 = 1
        /// A multiple of four bytes.
        public var options: [UInt8] = []

        public static let fin: UInt8 = 1
        public static let syn: UInt8 = 2
        public static let rst: UInt8 = 4
        public static let ack: UInt8 = 16

        public init(_ sourcePort: UInt16, _ destinationPort: UInt16, flags: UInt8 = TCP.ack) {
            self.sourcePort = sourcePort
            self.destinationPort = destinationPort
            self.flags = flags
        }

        /// A SYN that announces this maximum segment size.
        public static func syn(_ source: UInt16, _ destination: UInt16, mss: UInt16) -> TCP {
            var tcp = TCP(source, destination, flags: TCP.syn)
            tcp.options = [2, 4, UInt8(mss >> 8), UInt8(mss & 0xff)]
            return tcp
        }
    }

    public struct UDP: Hashable, Sendable {
        public var sourcePort: UInt16
        public var destinationPort: UInt16

        public init(_ sourcePort: UInt16, _ destinationPort: UInt16) {
            self.sourcePort = sourcePort
            self.destinationPort = destinationPort
        }
    }

    /// ICMP or ICMPv6, as the IP header around it has it.
    public struct ICMP: Hashable, Sendable {
        public var type: UInt8
        public var code: UInt8
        /// The four bytes behind the checksum: identifier and sequence, or the MTU.
        public var rest: UInt32

        public init(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0) {
            self.type = type
            self.code = code
            self.rest = rest
        }
    }
}
