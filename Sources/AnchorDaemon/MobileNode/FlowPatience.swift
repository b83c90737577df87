import AnchorDataPlane

/// How long a flow without packets counts as alive when nothing else tells.
struct FlowPatience: Sendable {
    /// RFC 5382, section 5: a connection that nobody closed may be silent for two hours and more.
    var tcp = Duration.seconds(2 * 3600 + 240)
    /// RFC 4787, section 4.3. Also of TCP whose beginning was not seen: a stray packet must not hold an anchor.
    var udp = Duration.seconds(120)
    /// RFC 5508, section 3.2.
    var echo = Duration.seconds(60)
    /// How long an ended flow is remembered, so that late packets are not taken for a new one: two maximum segment
    /// lifetimes as Linux counts them.
    var ended = Duration.seconds(60)

    /// Whether it is alive, as far as its packets tell.
    func holds(_ flow: FlowEntry) -> Bool {
        guard !flow.isEnded else { return false }
        return switch flow.key.transport {
        case 6: flow.idle < (flow.hasBegun ? tcp : udp)
        case 1, 58: flow.idle < echo
        default: flow.idle < udp
        }
    }

    /// Whether its entry may go.
    func isForgotten(_ flow: FlowEntry) -> Bool {
        flow.isEnded ? flow.idle >= ended : !holds(flow)
    }
}
