import FlowAnchorABI
import Glibc
import NetworkTypes

/// A host entry in the form of the tables: the slot's value and what goes beside it.
struct HostRecord {
    var value: fa_host_value
    /// Where it is attached, if it is attached and tunnelled at once.
    var neighbour = fa_neighbour()
    var neighbourPath: PathIndex = 0

    /// - Parameter hostPath: the path to hosts on the attachment's port, if there is one.
    @inline(__always)
    init(_ entry: HostEntry, hostPath: PathIndex) {
        value = fa_host_value()
        value.chain = entry.chain
        value.node = entry.node
        var flags: UInt32 = 0
        if entry.isRefused { flags |= FA_HOST_REFUSED }
        if entry.isUnaware { flags |= FA_HOST_UNAWARE }
        if entry.isAsked { flags |= FA_HOST_ASKED }
        if entry.isClaimed { flags |= FA_HOST_CLAIMED }
        if entry.isDraining { flags |= FA_HOST_DRAINS }
        // The key of a GRE tunnel has the same place; which of both it is follows from the flags.
        value.previous = entry.previous
        if entry.isOwn { flags |= FA_HOST_OWN }
        if entry.isBicast { flags |= FA_HOST_BICAST }
        if entry.prefersTunnel { flags |= FA_HOST_PREFER_TUNNEL }
        if let attachment = entry.attachment {
            flags |= FA_HOST_ATTACHED
            if entry.tunnel == nil {
                value.neighbour = fa_neighbour(attachment)
                value.neighbour.anchors = entry.anchors
                value.path = hostPath
            } else {
                neighbour = fa_neighbour(attachment)
                neighbour.anchors = entry.anchors
                neighbourPath = hostPath
            }
        }
        if let tunnel = entry.tunnel {
            flags |= FA_HOST_TUNNELLED
            value.peer = fa_address(tunnel.peer)
            value.path = tunnel.path
            if case .gre(let key, let sequenced) = tunnel.kind {
                flags |= FA_HOST_GRE | (sequenced ? FA_HOST_SEQUENCED : 0)
                value.tunnel_key_be = key.bigEndian
            }
        }
        value.flags = UInt16(flags)
    }

    /// - Parameter extra: what lies beside the slot, another cache line, of which only few hosts need anything.
    @inline(__always)
    init(value: fa_host_value, extra: UnsafePointer<fa_host_extra>) {
        self.value = value
        guard isBoth else { return }
        neighbour = extra.pointee.neighbour
        neighbourPath = extra.pointee.neighbour_path
    }

    init(_ host: fa_host, _ extra: fa_host_extra) {
        self = withUnsafePointer(to: extra) { HostRecord(value: host.value, extra: $0) }
    }

    init(_ spilled: fa_host_spilled) { self.init(spilled.host, spilled.extra) }

    /// The entry that it stands for.
    func entry(_ key: HostKey) -> HostEntry {
        var entry = HostEntry(key: key, node: value.node, chain: value.chain)
        entry.isRefused = value.has(FA_HOST_REFUSED)
        entry.isUnaware = value.has(FA_HOST_UNAWARE)
        entry.isAsked = value.has(FA_HOST_ASKED)
        entry.isClaimed = value.has(FA_HOST_CLAIMED)
        entry.isDraining = value.has(FA_HOST_DRAINS)
        if !value.has(FA_HOST_GRE) { entry.previous = value.previous }
        entry.isOwn = value.has(FA_HOST_OWN)
        entry.isBicast = value.has(FA_HOST_BICAST)
        entry.prefersTunnel = value.has(FA_HOST_PREFER_TUNNEL)
        let isTunnelled = value.has(FA_HOST_TUNNELLED)
        if value.has(FA_HOST_ATTACHED) {
            let neighbour = isTunnelled ? neighbour : value.neighbour
            entry.attachment = neighbour.attachment
            entry.anchors = neighbour.anchors
        }
        if isTunnelled {
            let key = UInt32(bigEndian: value.tunnel_key_be)
            let kind: TunnelKind =
                value.has(FA_HOST_GRE) ? .gre(key: key, sequenced: value.has(FA_HOST_SEQUENCED)) : .ipip
            entry.tunnel = HostTunnel(peer: value.peer.address, kind: kind, path: value.path)
        }
        return entry
    }

    /// Whether it says the same to the programs.
    static func == (a: HostRecord, b: HostRecord) -> Bool {
        withUnsafeBytes(of: a.value) { first in
            withUnsafeBytes(of: b.value) { memcmp(first.baseAddress!, $0.baseAddress!, first.count) == 0 }
        } && (!a.isBoth || a.hasSameNeighbour(as: b))
    }

    var isTunnelled: Bool { value.has(FA_HOST_TUNNELLED) }
    var isBoth: Bool { isTunnelled && value.has(FA_HOST_ATTACHED) }

    /// Whether packets of `other` are of the same sequence as this one's [0054].
    func continues(_ other: HostRecord) -> Bool {
        let kind = FA_HOST_GRE | FA_HOST_SEQUENCED
        return value.tunnel_key_be == other.value.tunnel_key_be
            && UInt32(value.flags) & kind == UInt32(other.value.flags) & kind
    }
}
