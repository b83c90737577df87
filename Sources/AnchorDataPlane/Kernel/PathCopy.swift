import FlowAnchorABI
import NetworkTypes

/// What a path's contents follow from, beside its specification.
struct PathSurroundings {
    /// The port that it leaves by; `nil` for paths that leave by none, or while the port isn't described.
    var port: Port?
    var resolution: NextHopResolution?
}

extension fa_path_copy {
    /// The bytes and numbers that programs work with.
    init(_ specification: PathSpecification, _ surroundings: PathSurroundings) {
        self.init()
        var flags: UInt32 = 0
        if let port = surroundings.port { mac_source = port.mac.tuple }
        port = specification.nextHop.port ?? 0
        switch specification.nextHop {
        case .host:
            flags |= FA_PATH_MAC_FROM_HOST
            if surroundings.port != nil { flags |= FA_PATH_RESOLVED }
        case .neighbour:
            if let mac = surroundings.resolution?.destination, surroundings.port != nil {
                flags |= FA_PATH_RESOLVED
                mac_destination = mac.tuple
            }
        case .station(let mac, _):
            if mac == .zero { flags |= FA_PATH_MAC_KEEP }
            if surroundings.port != nil { flags |= FA_PATH_RESOLVED }
            mac_destination = mac.tuple
        case .kernel:
            flags |= FA_PATH_KERNEL
        case .drop(let why):
            flags |= FA_PATH_DROP
            reason = UInt8(why.number)
        }
        let overhead = specification.encapsulation?.overhead ?? 0
        let largest = min(surroundings.port?.mtu ?? .max, specification.pathMTU ?? .max)
        mtu = largest - UInt16(min(Int(largest), overhead))
        if let encapsulation = specification.encapsulation { flags |= write(encapsulation) }
        self.flags = UInt16(flags)
    }

    /// - Returns: the flags that belong to it.
    private mutating func write(_ encapsulation: Encapsulation) -> UInt32 {
        var flags = encapsulation.source.isV4 ? FA_PATH_TUNNEL_V4 : FA_PATH_TUNNEL_V6
        push = UInt8(encapsulation.overhead)
        ttl = encapsulation.ttl
        source = fa_address(encapsulation.source)
        if let address = encapsulation.destination {
            destination = fa_address(address)
        } else {
            flags |= FA_PATH_PEER_FROM_HOST
        }
        if let dscp = encapsulation.dscp { self.dscp = dscp << 2 } else { flags |= FA_PATH_COPY_DSCP }
        if case .gre(let sequenced) = encapsulation.kind {
            flags |= FA_PATH_GRE | (sequenced ? FA_PATH_SEQUENCED : 0)
        }
        if let bits = encapsulation.source.v4Bits {
            checksum = Self.headerSum(ttl: encapsulation.ttl, source: bits)
        }
        return flags
    }

    /// The sum of the constant words of an IPv4 header as `fa_path.h` describes it.
    static func headerSum(ttl: UInt8, source: UInt32) -> UInt16 {
        let words: [UInt16] = [0x4500, 0x4000, UInt16(ttl) << 8, UInt16(source >> 16), UInt16(source & 0xffff)]
        var sum = words.reduce(UInt32(0)) { $0 + UInt32($1.bigEndian) }
        while sum > 0xffff { sum = sum >> 16 + sum & 0xffff }
        return UInt16(sum)
    }

    /// The specification that this and its purpose came from; `nil` if the path is not in use.
    func specification(_ purpose: fa_path_purpose) -> PathSpecification? {
        let nextHop: NextHop
        switch UInt32(purpose.kind) {
        case FA_PATH_TO_HOST: nextHop = .host(port: port)
        case FA_PATH_TO_NEIGHBOUR: nextHop = .neighbour(purpose.next_hop.address, port: port)
        case FA_PATH_TO_STATION: nextHop = .station(MACAddress(mac_destination), port: port)
        case FA_PATH_TO_KERNEL: nextHop = .kernel
        case FA_PATH_TO_NOBODY:
            guard let reason = Reason(number: UInt32(reason)) else { return nil }
            nextHop = .drop(reason)
        default: return nil
        }
        return PathSpecification(
            nextHop: nextHop, encapsulation: encapsulation, pathMTU: purpose.path_mtu == 0 ? nil : purpose.path_mtu)
    }

    private var encapsulation: Encapsulation? {
        guard has(FA_PATH_TUNNEL_V4 | FA_PATH_TUNNEL_V6) else { return nil }
        return Encapsulation(
            source: source.address,
            destination: has(FA_PATH_PEER_FROM_HOST) ? nil : destination.address,
            kind: has(FA_PATH_GRE) ? .gre(sequenced: has(FA_PATH_SEQUENCED)) : .ipip,
            ttl: ttl,
            dscp: has(FA_PATH_COPY_DSCP) ? nil : dscp >> 2)
    }

    func has(_ flag: UInt32) -> Bool { UInt32(flags) & flag != 0 }
}

extension fa_path_purpose {
    init(_ specification: PathSpecification) {
        self.init()
        path_mtu = specification.pathMTU ?? 0
        switch specification.nextHop {
        case .host: kind = UInt8(FA_PATH_TO_HOST)
        case .neighbour(let address, _):
            kind = UInt8(FA_PATH_TO_NEIGHBOUR)
            next_hop = fa_address(address)
        case .station: kind = UInt8(FA_PATH_TO_STATION)
        case .kernel: kind = UInt8(FA_PATH_TO_KERNEL)
        case .drop: kind = UInt8(FA_PATH_TO_NOBODY)
        }
    }
}

extension NextHop {
    /// The port that packets leave by; `nil` if they leave by none.
    public var port: PortIndex? {
        switch self {
        case .host(let port), .neighbour(_, let port), .station(_, let port): port
        case .kernel, .drop: nil
        }
    }
}
