import NetworkTypes

/// `[[access-router.server]]`: a transparent server, on a link with two legs or with one (row S1).
public struct ServerSettings: Sendable {
    /// `name`: for `servers` of an access link, and for messages.
    public var name = ""
    /// `inside` and `outside`: the interfaces to its node's side and to its core's side; or `interface`, the only leg.
    public var legs = Legs.none
    /// `when-down`: `bypass` it, or `refuse` the packets of its flows. Default: bypass.
    public var whenDown = WhenDown.bypass

    public enum WhenDown: String, Sendable, CaseIterable { case bypass, refuse }

    public enum Legs: Hashable, Sendable {
        case none
        case two(inside: String, outside: String)
        /// It routes back what it gets: `next-hop` is its address on the link, or `mac`.
        case one(String, OneLegged)
    }

    public enum OneLegged: Hashable, Sendable {
        case nextHop([IPAddress])
        case station(MACAddress)
    }

    /// Names of its interfaces.
    public var interfaces: [String] {
        switch legs {
        case .none: []
        case .two(let inside, let outside): [inside, outside]
        case .one(let interface, _): [interface]
        }
    }

    init(_ reader: TableReader) {
        name = reader.required("name", reader.string("name"), "a name for messages and for 'servers'") ?? ""
        let inside = reader.parsed("inside", as: interfaceRule, interfaceName)
        let outside = reader.parsed("outside", as: interfaceRule, interfaceName)
        let interface = reader.parsed("interface", as: interfaceRule, interfaceName)
        let hops = reader.list("next-hop", of: "an IP address") { IPAddress($0) }
        let mac = reader.parsed("mac", as: "a MAC address, such as 02:00:00:00:00:01") { MACAddress($0) }
        let isTwo = reader.has("inside") || reader.has("outside")
        switch (isTwo, reader.has("interface")) {
        case (true, true):
            reader.problem("", "either 'inside' and 'outside' (two legs) or 'interface' (one leg), not both")
        case (false, false):
            reader.problem("", "its legs are missing: 'inside' and 'outside', or 'interface'")
        case (true, false):
            _ = reader.required("inside", inside, "the interface to its node's side")
            _ = reader.required("outside", outside, "the interface to its core's side")
            for key in ["next-hop", "mac"] where reader.has(key) {
                reader.problem(key, "is for a server with one leg ('interface')")
            }
            if let inside, let outside { legs = .two(inside: inside, outside: outside) }
        case (false, true):
            if let interface, let mac, hops == nil { legs = .one(interface, .station(mac)) }
            if let interface, let hops, mac == nil { legs = .one(interface, .nextHop(hops)) }
            if reader.has("mac") == reader.has("next-hop") {
                reader.problem("", "a server with one leg needs 'next-hop' or 'mac', and not both")
            }
        }
        whenDown = reader.choice("when-down") ?? whenDown
        reader.finish()
    }
}
