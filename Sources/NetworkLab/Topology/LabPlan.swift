/// What a lab is made of.
public struct LabPlan: Sendable {
    /// Access routers, numbered from 1.
    public var routers = 3
    /// The server at each router.
    public var server = ServerKind.twoLegged
    /// Interfaces of the mobile node: `wlan0`, and `wlan1` for make-before-break.
    public var nodeInterfaces = 1
    /// All routers have the same gateway address and MAC on their access link, as for nodes that know nothing of them.
    public var hasCommonGateway = false

    public init(
        routers: Int = 3, server: ServerKind = .twoLegged, nodeInterfaces: Int = 1, hasCommonGateway: Bool = false
    ) {
        self.routers = routers
        self.server = server
        self.nodeInterfaces = nodeInterfaces
        self.hasCommonGateway = hasCommonGateway
    }

    /// All machines, each a network namespace.
    public var machines: [String] {
        ["cn", "net", "air", "mn"] + (1...routers).map { "ar\($0)" }
            + (server == .none ? [] : (1...routers).map { "fw\($0)" })
    }
}

/// A veth pair between two machines.
struct Cable {
    let (machineA, interfaceA): (String, String)
    let (machineB, interfaceB): (String, String)

    init(_ machineA: String, _ interfaceA: String, _ machineB: String, _ interfaceB: String) {
        (self.machineA, self.interfaceA) = (machineA, interfaceA)
        (self.machineB, self.interfaceB) = (machineB, interfaceB)
    }
}

extension LabPlan {
    var cables: [Cable] {
        var cables = [Cable("cn", "eth0", "net", "cn")]
        for router in 1...routers {
            cables.append(Cable("net", "ar\(router)", "ar\(router)", "core0"))
            cables.append(Cable("air", "acc\(router)", "ar\(router)", "acc0"))
            switch server {
            case .none: break
            case .twoLegged:
                cables.append(Cable("ar\(router)", "srv0", "fw\(router)", "in0"))
                cables.append(Cable("ar\(router)", "srv1", "fw\(router)", "out0"))
            case .oneLegged:
                cables.append(Cable("ar\(router)", "srv0", "fw\(router)", "eth0"))
            }
        }
        for number in 0..<nodeInterfaces {
            cables.append(Cable("air", "node\(number)", "mn", "wlan\(number)"))
        }
        return cables
    }

    /// Where to capture each link, seen from the side that no XDP program takes packets from: what is
    /// redirected past the network stack is invisible on the router's own interfaces.
    public var links: [String: (machine: String, interface: String)] {
        var links: [String: (machine: String, interface: String)] = ["cn": ("cn", "eth0")]
        for router in 1...routers {
            links["ar\(router)-core"] = ("net", "ar\(router)")
            links["ar\(router)-access"] = ("air", "acc\(router)")
            switch server {
            case .none: break
            case .twoLegged:
                links["fw\(router)-inside"] = ("fw\(router)", "in0")
                links["fw\(router)-outside"] = ("fw\(router)", "out0")
            case .oneLegged:
                links["fw\(router)"] = ("fw\(router)", "eth0")
            }
        }
        return links
    }
}
