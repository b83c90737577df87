import CNetlink
import Glibc
import NetworkTypes

/// Which routing table serves a packet (`ip rule`). Rules are tried by ascending priority.
public struct RoutingRule: Hashable, Sendable {
    public var priority: UInt32
    /// The packets' sources; `nil` for all.
    public var from: IPPrefix?
    /// The packets' destinations; `nil` for all.
    public var to: IPPrefix?
    public var family: AddressFamily
    /// Where to look; `nil` for a rule that does something else than look into a table.
    public var table: RoutingTable?
    /// The packets' mark, for a rule that compares all of its bits; 0 for none.
    public var mark: UInt32
    /// Name of the interface that the sender is bound to; `nil` for all packets.
    public var outgoing: String?

    /// - Parameter family: of the rule; that of `from` or `to` where there is one.
    public init(
        priority: UInt32, from: IPPrefix? = nil, to: IPPrefix? = nil, family: AddressFamily = .v4,
        table: RoutingTable?, mark: UInt32 = 0, outgoing: String? = nil
    ) {
        self.priority = priority
        self.from = from
        self.to = to
        self.family = from?.family ?? to?.family ?? family
        self.table = table
        self.mark = mark
        self.outgoing = outgoing
    }
}

extension RoutingRule: CustomStringConvertible {
    public var description: String {
        var text = "\(priority): from \(from.map { "\($0)" } ?? "all")"
        if let to { text += " to \(to)" }
        if mark != 0 { text += " mark \(mark)" }
        if let outgoing { text += " oif \(outgoing)" }
        if let table { text += " table \(table.rawValue)" }
        return text
    }
}

extension RoutingRule {
    /// - Parameter rule: a `struct rtnl_rule`.
    init?(libnl rule: OpaquePointer) {
        guard let family = AddressFamily(number: rtnl_rule_get_family(rule)) else { return nil }
        let looksUp = Int32(rtnl_rule_get_action(rule)) == Int32(FR_ACT_TO_TBL)
        self.init(
            priority: rtnl_rule_get_prio(rule),
            from: IPPrefix(libnl: rtnl_rule_get_src(rule), family: family),
            to: IPPrefix(libnl: rtnl_rule_get_dst(rule), family: family),
            family: family,
            table: looksUp ? RoutingTable(rawValue: rtnl_rule_get_table(rule)) : nil,
            mark: rtnl_rule_get_mark(rule),
            outgoing: rtnl_rule_get_oif(rule).map { String(cString: $0) })
    }

    init?(_ message: ReceivedMessage) {
        guard let rule = message.parse({ RoutingRule(libnl: $0) }) else { return nil }
        self = rule
    }

    /// Hands `use` the `struct rtnl_rule` that means the same.
    func withLibnl<Value: ~Copyable>(
        _ use: (OpaquePointer) throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        guard let object = rtnl_rule_alloc() else { fatalError("out of memory") }
        defer { rtnl_rule_put(object) }
        rtnl_rule_set_family(object, family.number)
        rtnl_rule_set_prio(object, priority)
        rtnl_rule_set_action(object, UInt8(FR_ACT_TO_TBL))
        if let from {
            let prefix = LibnlAddress(from)
            rtnl_rule_set_src(object, prefix.pointer)
        }
        if let to {
            let prefix = LibnlAddress(to)
            rtnl_rule_set_dst(object, prefix.pointer)
        }
        if let table { rtnl_rule_set_table(object, table.rawValue) }
        if mark != 0 { rtnl_rule_set_mark(object, mark) }
        if let outgoing { rtnl_rule_set_oif(object, outgoing) }
        return try use(object)
    }
}

extension NetlinkSocket {
    /// - Parameter family: only rules of this family.
    public func rules(family: AddressFamily? = nil) throws(NetlinkError) -> [RoutingRule] {
        let message = NetlinkMessage(type: Int32(RTM_GETRULE))
        var body = fib_rule_hdr()
        body.family = UInt8(family?.number ?? AF_UNSPEC)
        message.append(body)
        return try transport.dump(message, operation: "list", object: "routing rules", RoutingRule.init)
    }

    /// - Throws: EEXIST where there is an equal one.
    public func add(_ rule: RoutingRule) throws(NetlinkError) {
        let message = try rule.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: "add rule", object: rule.description) {
                rtnl_rule_build_add_request(object, NLM_F_CREATE | NLM_F_EXCL, &$0)
            }
        }
        try change(message, operation: "add rule", object: rule.description)
    }

    /// - Throws: ENOENT where there is none like it.
    public func remove(_ rule: RoutingRule) throws(NetlinkError) {
        let message = try rule.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: "remove rule", object: rule.description) {
                rtnl_rule_build_delete_request(object, 0, &$0)
            }
        }
        try change(message, operation: "remove rule", object: rule.description)
    }
}
