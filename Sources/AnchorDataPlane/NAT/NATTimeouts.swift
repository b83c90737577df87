import FlowAnchorABI

/// How long a flow is kept without a packet.
public struct NATTimeouts: Hashable, Sendable {
    /// TCP once both sides have sent a SYN, until both have sent a FIN or one a RST. At least 2 hours and 4 minutes
    /// (RFC 5382, REQ-5).
    public var tcpEstablished: Duration
    /// TCP before that and after it. At least 4 minutes (RFC 5382, REQ-5).
    public var tcpTransitory: Duration
    /// UDP, and a UDP mapping. At least 2 minutes, better 5 (RFC 4787, REQ-5).
    public var udp: Duration
    /// ICMP queries. At least 60 seconds (RFC 5508, REQ-2).
    public var icmp: Duration
    /// UDP packets from the core keep a flow alive as those from the host do (RFC 4787, REQ-6).
    public var udpInboundRefresh: Bool

    public init(
        tcpEstablished: Duration = .seconds(7440), tcpTransitory: Duration = .seconds(240),
        udp: Duration = .seconds(300), icmp: Duration = .seconds(60), udpInboundRefresh: Bool = true
    ) {
        self.tcpEstablished = tcpEstablished
        self.tcpTransitory = tcpTransitory
        self.udp = udp
        self.icmp = icmp
        self.udpInboundRefresh = udpInboundRefresh
    }
}

/// The same in ticks of the programs' clock. What has been idle for more than so many has been idle at least so long: a
/// tick has begun when a packet is seen in it.
struct NATTicks {
    var tcpEstablished: UInt32
    var tcpTransitory: UInt32
    var udp: UInt32
    var icmp: UInt32
    var udpInboundRefresh = true

    init(tcpEstablished: UInt32, tcpTransitory: UInt32, udp: UInt32, icmp: UInt32, udpInboundRefresh: Bool = true) {
        self.tcpEstablished = tcpEstablished
        self.tcpTransitory = tcpTransitory
        self.udp = udp
        self.icmp = icmp
        self.udpInboundRefresh = udpInboundRefresh
    }

    init(_ timeouts: NATTimeouts, _ clock: TickClock) {
        self.init(
            tcpEstablished: clock.ticks(in: timeouts.tcpEstablished),
            tcpTransitory: clock.ticks(in: timeouts.tcpTransitory), udp: clock.ticks(in: timeouts.udp),
            icmp: clock.ticks(in: timeouts.icmp), udpInboundRefresh: timeouts.udpInboundRefresh)
    }

    /// What no flow of the protocol ends before.
    @inline(__always)
    func shortest(_ transport: UInt8) -> UInt32 {
        switch transport {
        case 6: min(tcpTransitory, tcpEstablished)
        case 17: udp
        default: icmp
        }
    }

    /// How long a mapping that nothing uses is kept after the last flow that was made by it.
    @inline(__always)
    func unused(_ transport: UInt8) -> UInt32 { transport == 17 ? udp : Self.moment }

    /// How much longer a flow that began elsewhere is kept: where it began, its end is seen first.
    static let awayMargin: UInt32 = 64

    /// Longer than any program runs, in ticks.
    static let moment: UInt32 = 2
}

/// What the packets of a TCP flow have said (RFC 5382, section 5).
public enum NATFlowState: String, Hashable, Sendable, CaseIterable, Codable {
    /// TCP: no SYN from both sides yet.
    case opening
    case established
    /// TCP: a FIN from both sides, or a RST.
    case closing
    /// UDP and ICMP: there are packets, that is all.
    case open
    /// It began at another router, which knows [0080].
    case away

    /// - Parameters: `fa_translation.seen` of both directions.
    @inline(__always)
    init(transport: UInt8, seenUp: UInt32, seenDown: UInt32) {
        guard transport == 6 else {
            self = .open
            return
        }
        let both = seenUp & seenDown
        if (seenUp | seenDown) & FA_NAT_RST != 0 || both & FA_NAT_FIN != 0 {
            self = .closing
        } else {
            self = both & FA_NAT_SYN != 0 ? .established : .opening
        }
    }
}
