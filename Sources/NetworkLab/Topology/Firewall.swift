import NetworkTypes

/// The stateful firewall that serves as an access router's server: connections begin on the node's
/// side only, and a TCP packet of a connection whose beginning it has not seen is dropped.
enum Firewall {
    /// Connection tracking must not pick a connection up in its middle: that a second firewall does not
    /// know the connection is what the lab is about.
    static let strict = "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0"

    /// For nft. On a bridge, the IP hooks see the bridge as incoming interface, so the leg is noted in a mark before.
    static func ruleset(_ kind: ServerKind, pools: [IPPrefix]) -> String {
        let fromInside: String
        var sides = ""
        switch kind {
        case .none: return ""
        case .twoLegged:
            sides = """
                table bridge sides {
                  chain prerouting {
                    type filter hook prerouting priority -300; policy accept;
                    iifname "in0" meta mark set 1
                  }
                }

                """
            fromInside = "    ct state new meta mark 1 counter accept comment \"begun inside\""
        case .oneLegged:
            fromInside = pools.map {
                "    ct state new \($0.family == .v4 ? "ip" : "ip6") saddr \($0) counter accept comment \"begun inside\""
            }.joined(separator: "\n")
        }
        return sides + """
            table inet firewall {
              chain forward {
                type filter hook forward priority 0; policy drop;
                icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
                ct state established,related counter accept comment "known"
            \(fromInside)
                counter drop comment "refused"
              }
            }

            """
    }
}

/// What a firewall has counted, in packets.
public struct FirewallCounters: Hashable, Sendable {
    /// Of connections that it knows.
    public var known = 0
    /// First ones of connections from the node's side.
    public var begun = 0
    /// Dropped: of connections that it has not seen begin, or that began outside.
    public var refused = 0

    /// From the output of `nft list chain inet firewall forward`.
    init(listing: String) {
        for line in listing.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "packets"), place + 1 < words.count,
                let count = Int(words[place + 1])
            else { continue }
            if line.contains("\"known\"") { known += count }
            if line.contains("\"begun inside\"") { begun += count }
            if line.contains("\"refused\"") { refused += count }
        }
    }
}
