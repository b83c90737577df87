import NetworkTypes

extension KernelDataPlane {
    /// Has the programs send the packets of flows of a host to the routers where they began, see
    /// ``NATTable/insertAway(_:of:)``. Each counts as seen now.
    public func insertAway(
        _ flows: some Sequence<RoamingFlow>, of inside: IPAddress
    ) throws(DataPlaneError) -> AwayResult {
        var room = nat.awayRoom(of: inside)
        return try insertAway(flows, of: inside, within: &room)
    }

    /// The same, of a table that comes in parts, see ``NATTable/insertAway(_:of:within:)``.
    public func insertAway(
        _ flows: some Sequence<RoamingFlow>, of inside: IPAddress, within room: inout AwayRoom
    ) throws(DataPlaneError) -> AwayResult {
        let now = try tick()
        return nat.insertAway(
            flows.lazy.map { flow in
                var flow = flow
                flow.lastSeen = now
                return flow
            }, of: inside, within: &room)
    }

    /// How long ago a flow's last packet from its host was seen.
    public func idle(_ flow: RoamingFlow) throws(DataPlaneError) -> Duration {
        clock.age(of: flow.lastSeen, at: try tick())
    }
}
