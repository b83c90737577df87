import BPFObjects

extension Lab {
    /// Has the core network forward in its interfaces' drivers, as such networks do, rather than in the kernel's stack:
    /// for measurements, in which the hops between the routers are nobody's subject. Captures on its links miss what
    /// is forwarded so.
    func forwardInDrivers() throws {
        let object = try BPFObjects.path(of: "core_network")
        // The other ends take redirected frames, since GRO is on there.
        for interface in plan.interfaces(of: "net") {
            try run(["ip", "link", "set", "dev", interface, "xdp", "obj", object, "sec", "xdp"], on: "net")
        }
    }
}
