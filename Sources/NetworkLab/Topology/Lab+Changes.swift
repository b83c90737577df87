import NetworkTypes

/// What befalls a network in operation, and what whoever runs it does then.
extension Lab {
    /// Takes an interface down: the kernel forgets the routes through it, and its IPv6 addresses.
    func setDown(_ interface: String, on machine: String) throws {
        try run(["ip", "link", "set", interface, "down"], on: machine)
    }

    /// Sets an interface up and puts back what is missing of its addresses and routes, as a network manager does.
    func setUp(_ interface: String, on machine: String) throws {
        try script(plan.setup(of: interface, on: machine).joined(separator: "\n"), on: machine)
    }

    /// Removes the cable at an interface, and with it the interfaces at both of its ends.
    func cut(_ interface: String, on machine: String) throws {
        try run(["ip", "link", "delete", interface], on: machine)
    }

    /// Makes the cable at an interface anew: both ends are other interfaces than before, of the same names.
    func replace(_ interface: String, on machine: String) throws {
        let cable = try plan.cable(of: interface, on: machine)
        try plug([cable])
        let ends = [(cable.interfaceA, cable.machineA), (cable.interfaceB, cable.machineB)]
        // A route is refused before its link is up.
        for (interface, machine) in ends { try run(["ip", "link", "set", interface, "up"], on: machine) }
        for (interface, machine) in ends { try setUp(interface, on: machine) }
    }

    /// Gives an interface another MAC address, of the locally administered ones.
    func changeMAC(of interface: String, on machine: String) throws {
        let mac = MACAddress(bits: 0x02_00_00_00_00_00 | UInt64.random(in: 1..<1 << 40))
        try run(["ip", "link", "set", interface, "address", "\(mac)"], on: machine)
    }

    /// Where the core's router is found after ``moveNextHop(of:)``.
    private func otherGateway(_ router: Int, _ family: AddressFamily) -> IPAddress {
        IPPrefix(AddressPlan.coreGateway(router, family), length: AddressPlan.coreLength(family))!.address(at: 14)!
    }

    /// The core's router takes another address and another MAC address on the link of an access router, whose default
    /// route follows.
    func moveNextHop(of router: Int) throws {
        let interface = "ar\(router)"
        // Without it, an IPv4 address takes along those of its subnet that came after it.
        var lines = ["sysctl -qw net.ipv4.conf.\(interface).promote_secondaries=1"]
        for family in AddressFamily.allCases {
            let length = AddressPlan.coreLength(family)
            lines += [
                "ip addr replace \(otherGateway(router, family))/\(length) dev \(interface)",
                "ip addr delete \(AddressPlan.coreGateway(router, family))/\(length) dev \(interface)",
            ]
        }
        try script(lines.joined(separator: "\n"), on: "net")
        try changeMAC(of: interface, on: "net")
        try script(
            AddressFamily.allCases.map {
                "ip route replace \($0.everywhere) via \(otherGateway(router, $0))"
            }.joined(separator: "\n"), on: "ar\(router)")
    }

    /// And back again.
    func moveNextHopBack(of router: Int) throws {
        try setUp("ar\(router)", on: "net")
        try setUp("core0", on: "ar\(router)")
        try script(
            AddressFamily.allCases.map {
                "ip addr delete \(otherGateway(router, $0))/\(AddressPlan.coreLength($0)) dev ar\(router)"
            }.joined(separator: "\n"), on: "net")
    }
}
