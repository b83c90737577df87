import NetworkTypes

/// How the mobile node of a lab behaves.
public struct NodeOptions: Sendable {
    public enum Tunnel: String, Sendable {
        case ipip, gre
    }

    public var tunnel = Tunnel.ipip
    /// GRE with sequence numbers (row A12).
    public var sequenced = false
    /// Both attachments in use while two interfaces have a carrier (row A9).
    public var bicast = false

    public init() {}
}

/// How the access routers of a lab behave.
public struct RouterOptions: Sendable {
    /// What becomes of packets whose server is out of service.
    public enum WhenDown: String, Sendable {
        case bypass, refuse
    }

    public var whenDown = WhenDown.refuse
    /// IPv4 leaves a router with its endpoint as the source (row A10).
    public var translates = false
    /// Addresses need no lease: nodes know nothing of their router (mode D).
    public var hostsAreUnaware = false
    /// The family that neighbours reach each other by; `nil` for routers that know no neighbours.
    public var peering: AddressFamily?
    /// Translated flows that a host may have; `nil` for the default.
    public var flowLimit: Int?
    /// Translated flows at once; `nil` for twice ``flowLimit``.
    public var flowCapacity: Int?
    /// There is room for nodes that are frames only: addresses of ``AddressPlan/crowdBlock`` need no lease either.
    public var hasCrowd = false
    /// Addresses that IPv4 leaves a router with, its endpoint among them; at most 256.
    public var outsideAddresses = 1

    public init(
        whenDown: WhenDown = .refuse, translates: Bool = false, hostsAreUnaware: Bool = false,
        peering: AddressFamily? = nil, flowLimit: Int? = nil
    ) {
        self.whenDown = whenDown
        self.translates = translates
        self.hostsAreUnaware = hostsAreUnaware
        self.peering = peering
        self.flowLimit = flowLimit
    }
}

/// The TOML configurations of a lab's daemons.
enum DaemonConfiguration {
    /// The lab's only node and its key, known to all routers.
    static let (node, spi) = (1, 257)

    static func router(_ number: Int, _ options: RouterOptions, in lab: Lab) -> String {
        func list(_ values: [String]) -> String { "[" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        // Tunnels between routers are of the family that comes first.
        let families = options.peering == .v6 ? [AddressFamily.v6, .v4] : [.v4, .v6]
        let machine = "ar\(number)"
        // Of all routers' blocks, since nodes keep their addresses.
        var blocks =
            lab.plan.hasCommonGateway
            ? [AddressPlan.roamingBlock(number, .v4)]
                + (1...lab.plan.routers).map { AddressPlan.roamingBlock($0, .v6) }
            : families.map { AddressPlan.pool(number, $0) }
        if options.hasCrowd { blocks.append(AddressPlan.crowdBlock) }
        let gateways = families.map { family in
            let isCommon = lab.plan.hasCommonGateway && family == .v4
            let gateway = isCommon ? AddressPlan.commonGateway(family) : AddressPlan.gateway(number, family)
            return "\(gateway)/\(AddressPlan.linkLength(family))"
        }
        var text = """
            instance = "\(lab.namespace(machine))"
            state-directory = "\(lab.stateFolder(machine))"
            control-socket = "\(lab.controlSocket(machine))"

            [access-router]
            endpoints = \(list(families.map { AddressPlan.endpoint(number, $0).description }))
            core-interfaces = ["core0"]

            [[access-router.access]]
            interface = "acc0"
            gateway = \(list(gateways))
            \(options.hostsAreUnaware ? "unaware" : "pools") = \(list(blocks.map(\.description)))
            advertise = \(lab.plan.hasCommonGateway)

            [[access-router.node]]
            id = \(node)
            spi = \(spi)
            key-file = "\(lab.keyFile)"
            quota = 16

            """
        if options.translates {
            var outside = ["\(AddressPlan.endpoint(number, .v4))"]
            if options.outsideAddresses > 1 {
                outside.append(AddressPlan.furtherOutside(number, count: options.outsideAddresses - 1))
            }
            let capacity = options.flowCapacity ?? options.flowLimit.map { 2 * $0 }
            text += """

                [access-router.nat]
                outside = \(list(outside))
                exempt = ["\(AddressPlan.core)"]
                \(capacity.map { "flow-capacity = \($0)" } ?? "")
                \(options.flowLimit.map { "flow-limit = \($0)" } ?? "")

                """
        }
        switch lab.plan.server {
        case .none: break
        case .twoLegged:
            text += """

                [[access-router.server]]
                name = "fw\(number)"
                inside = "srv0"
                outside = "srv1"
                when-down = "\(options.whenDown.rawValue)"

                """
        case .oneLegged:
            text += """

                [[access-router.server]]
                name = "fw\(number)"
                interface = "srv0"
                next-hop = \(list(families.map { AddressPlan.serverLink(number, $0).server.description }))
                when-down = "\(options.whenDown.rawValue)"

                """
        }
        if let family = options.peering { text += peering(number, family, in: lab) }
        return text
    }

    /// Sessions with all other routers of the lab.
    private static func peering(_ number: Int, _ family: AddressFamily, in lab: Lab) -> String {
        let others = (1...lab.plan.routers).filter { $0 != number }
        let machine = "ar\(number)"
        return """

            [peering]
            listen = "\(AddressPlan.endpoint(number, family))"
            certificate-file = "\(lab.credentials.certificateFile(machine))"
            key-file = "\(lab.credentials.keyFile(machine))"
            ca-file = "\(lab.credentials.authorityFile)"
            keep-alive = 0.5

            """
                + others.map { other in
                    """

                    [[peer]]
                    name = "ar\(other)"
                    address = "\(AddressPlan.endpoint(other, family))"

                    """
                }.joined()
    }

    static func node(_ options: NodeOptions, in lab: Lab) -> String {
        let interfaces = (0..<lab.plan.nodeInterfaces).map { "\"wlan\($0)\"" }.joined(separator: ", ")
        return """
            instance = "\(lab.namespace("mn"))"
            state-directory = "\(lab.stateFolder("mn"))"
            control-socket = "\(lab.controlSocket("mn"))"

            [mobile-node]
            id = \(node)
            spi = \(spi)
            key-file = "\(lab.keyFile)"
            interfaces = [\(interfaces)]
            tunnel = "\(options.tunnel.rawValue)"
            sequenced = \(options.sequenced)

            """
    }
}
