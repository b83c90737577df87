import ControlAPI
import NetworkTypes

/// Something that befalls the network under a flow that is in a tunnel from router 2 to router 1.
struct Disturbance: Sendable {
    let what: String
    /// Does it, and sees it noticed where it would not be otherwise. Afterwards the network is whole again.
    let happen: @Sendable (Lab) throws -> Void

    init(_ what: String, _ happen: @escaping @Sendable (Lab) throws -> Void) {
        self.what = what
        self.happen = happen
    }

    static let all = links + neighbours + interfaces + routes

    private static let links = [
        Disturbance("the core link of router 1 went and came back") { lab in
            try lab.setDown("ar1", on: "net")
            try lab.waitForInterface("core0", on: "ar1") { !$0.isUp }
            try lab.setUp("ar1", on: "net")
        },
        Disturbance("router 2 set its core link down and up") { lab in
            try lab.setDown("core0", on: "ar2")
            try lab.setUp("core0", on: "ar2")
        },
        Disturbance("the access link of router 2 went and came back") { lab in
            try lab.setDown("acc2", on: "air")
            try lab.waitForInterface("acc0", on: "ar2") { !$0.isUp }
            try lab.setUp("acc2", on: "air")
        },
        Disturbance("the link of the server went and came back") { lab in
            try lab.setDown("in0", on: "fw1")
            try lab.waitForInterface("srv0", on: "ar1") { !$0.isUp }
            try lab.setUp("in0", on: "fw1")
        },
    ]

    private static let neighbours = [
        Disturbance("the core's router changed its MAC address") { lab in
            for router in ["ar1", "ar2"] { try lab.changeMAC(of: router, on: "net") }
        },
        Disturbance("router 1 changed its MAC address on the core link") { lab in
            try lab.changeMAC(of: "core0", on: "ar1")
        },
        Disturbance("router 2 changed its MAC address on the access link") { lab in
            try lab.changeMAC(of: "acc0", on: "ar2")
        },
        Disturbance("the node changed its MAC address") { lab in
            try lab.changeMAC(of: "wlan0", on: "mn")
        },
    ]

    private static let interfaces = [
        remade("the core interface of router 1", "core0", on: "ar1"),
        remade("the access interface of router 2", "acc0", on: "ar2"),
        remade("the interface of the server", "srv0", on: "ar1"),
        Disturbance("the node's interface was removed and made again") { lab in
            try lab.cut("wlan0", on: "mn")
            try waitUntil("the node to miss its interface") { try !lab.status("mn").warnings.isEmpty }
            try lab.replace("wlan0", on: "mn")
            try lab.attach(to: 2)
        },
    ]

    private static let routes = [
        Disturbance("the next hop of router 1 moved to another address") { try $0.moveNextHop(of: 1) },
        Disturbance("the next hop of router 1 moved back") { try $0.moveNextHopBack(of: 1) },
        Disturbance("the endpoint's address of router 1 was removed and put back") { lab in
            for family in AddressFamily.allCases {
                let endpoint = "\(AddressPlan.endpoint(1, family))/\(AddressPlan.coreLength(family))"
                try lab.run(["ip", "addr", "delete", endpoint, "dev", "core0"], on: "ar1")
            }
            try waitUntil("router 1 to miss its endpoints") { try lab.status("ar1").warnings.count == 2 }
            try lab.setUp("core0", on: "ar1")
        },
        Disturbance("somebody removed the node's old addresses, which it put back by itself") { lab in
            for family in AddressFamily.allCases {
                for address in try lab.nodeAddresses(at: 1, family) {
                    let prefix = "\(address)/\(family.addressBits)"
                    try lab.run(["ip", "addr", "delete", prefix, "dev", "wlan0"], on: "mn")
                    try waitUntil("\(address) at the node") { try lab.nodeAddresses(at: 1, family).contains(address) }
                }
            }
        },
    ]

    private static func remade(_ name: String, _ interface: String, on machine: String) -> Disturbance {
        Disturbance("\(name) was removed and made again") { lab in
            try lab.cut(interface, on: machine)
            try lab.waitForInterface(interface, on: machine) { $0.mode == "none" }
            try lab.replace(interface, on: machine)
        }
    }
}

extension Lab {
    /// Waits until a machine's daemon sees its interface so.
    func waitForInterface(
        _ name: String, on machine: String, _ condition: (InterfaceModel) -> Bool
    ) throws {
        try waitUntil("\(name) of \(machine) to be noticed") {
            try status(machine).interfaces.contains { $0.name == name && condition($0) }
        }
    }
}
