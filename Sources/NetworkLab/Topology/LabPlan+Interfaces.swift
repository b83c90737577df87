import NetworkTypes

/// The interfaces of the machines, and what belongs to each: addresses, routes, bridges.
extension LabPlan {
    /// Names of a machine's interfaces.
    func interfaces(of machine: String) -> [String] {
        cables.flatMap { cable in
            [(cable.machineA, cable.interfaceA), (cable.machineB, cable.interfaceB)]
        }.filter { $0.0 == machine }.map(\.1)
    }

    /// The cable at an interface.
    /// - Throws: ``LabError/unknownName(_:_:known:)``.
    func cable(of interface: String, on machine: String) throws -> Cable {
        let found = cables.first { cable in
            (cable.machineA, cable.interfaceA) == (machine, interface)
                || (cable.machineB, cable.interfaceB) == (machine, interface)
        }
        guard let found else {
            throw LabError.unknownName("interface of \(machine)", interface, known: interfaces(of: machine))
        }
        return found
    }

    /// Lines of shell that set an interface up with its addresses and the routes through it. What is there already
    /// stays, so they also put back what is missing.
    func setup(of interface: String, on machine: String) -> [String] {
        switch (kind(machine), kind(interface)) {
        case ("air", "acc"): ["ip link set \(interface) master br\(number(interface)) up"]
        // Plugged in where the node goes.
        case ("air", _): []
        case ("fw", "in"), ("fw", "out"): ["ip link set \(interface) master br0 up"]
        default:
            ["ip link set \(interface) up"]
                + AddressFamily.allCases.flatMap { addressing(of: interface, on: machine, $0) }
        }
    }

    private func addressing(of interface: String, on machine: String, _ family: AddressFamily) -> [String] {
        func address(_ address: IPAddress, _ length: Int) -> String {
            "ip addr replace \(address)/\(length) dev \(interface)"
        }
        func route(_ destination: String, _ gateway: IPAddress) -> String {
            "ip route replace \(destination) via \(gateway)"
        }
        let (link, core) = (AddressPlan.linkLength(family), AddressPlan.coreLength(family))
        let router = number(machine == "net" ? interface : machine)
        switch (kind(machine), kind(interface)) {
        case ("net", "cn"): return [address(AddressPlan.correspondentGateway(family), link)]
        case ("net", "ar"):
            return [
                address(AddressPlan.coreGateway(router, family), core),
                route("\(AddressPlan.pool(router, family))", AddressPlan.endpoint(router, family)),
            ]
        case ("cn", "eth"):
            return [
                address(AddressPlan.correspondent(family), link),
                route(family.everywhere, AddressPlan.correspondentGateway(family)),
            ]
        case ("ar", "core"):
            return [
                address(AddressPlan.endpoint(router, family), core),
                route(family.everywhere, AddressPlan.coreGateway(router, family)),
            ]
        case ("ar", "acc") where hasCommonGateway:
            return ["ip link set \(interface) address \(AddressPlan.commonGatewayMAC)"]
                + (family == .v4 ? [] : [address(AddressPlan.gateway(router, family), link)])
                + [address(AddressPlan.commonGateway(family), link)]
        case ("ar", "acc"): return [address(AddressPlan.gateway(router, family), link)]
        case ("ar", "srv") where server == .oneLegged:
            return [address(AddressPlan.serverLink(router, family).router, link)]
        case ("fw", "eth"):
            let ends = AddressPlan.serverLink(router, family)
            return [address(ends.server, link), route(family.everywhere, ends.router)]
        default: return []
        }
    }

    private func kind(_ name: String) -> Substring { name.prefix(while: \.isLetter) }
    private func number(_ name: String) -> Int { Int(name.drop(while: \.isLetter)) ?? 0 }
}
