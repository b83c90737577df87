/// Where an interface of the mobile node is plugged in.
extension Lab {
    /// Plugs an interface of the node into the access link of a router: it loses its carrier where it
    /// was, and has one again when this returns.
    public func attach(_ interface: Int = 0, to router: Int) throws {
        try script(
            """
            ip link set node\(interface) down
            ip link set node\(interface) master br\(router)
            ip link set node\(interface) up
            """, on: "air")
    }

    /// Plugs it in there without its carrier going, as a station that roams within one wireless network: all that it
    /// knows of its gateway stays.
    public func roam(_ interface: Int = 0, to router: Int) throws {
        try script("ip link set node\(interface) master br\(router)", on: "air")
    }

    /// Takes the carrier away.
    public func unplug(_ interface: Int = 0) throws {
        try script("ip link set node\(interface) down\nip link set node\(interface) nomaster", on: "air")
    }
}
