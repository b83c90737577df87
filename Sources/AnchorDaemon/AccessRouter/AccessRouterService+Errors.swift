import AnchorCore
import AnchorDataPlane
import Glibc
import NetworkTypes

extension AccessRouterService {
    /// What the programs tell.
    func handle(_ event: DataPlaneEvent) {
        switch event {
        case .icmpError(_, let frame): relayError(in: frame)
        case .portBlockWanted(let subscriber): plane.translation?.blockWanted(by: subscriber)
        case .unknownHost(let port, let frame): letIn(frame, on: port)
        }
    }

    /// An ICMP error about a tunnelled packet becomes one about the packet inside, for its sender (T10).
    private func relayError(in frame: [UInt8]) {
        guard let packet = TunnelErrorRelay.packet(in: frame[...]) else { return }
        let now = MonotonicClock.now()
        var host: IPAddress?
        let outcome = relay.handle(packet, at: now, source: errorSource) { endpoint, peer, destination in
            host = destination
            return plane.tunnels(destination, from: endpoint, to: peer)
        }
        guard let outcome, let source = errorSource(outcome.destination.family) else { return }
        if let learned = outcome.learned, let host {
            attempt { try plane.learn(learned.mtu, to: learned.peer, host: host, at: now) }
        }
        let code = errors.send(outcome.message, to: outcome.destination, from: source)
        if code == 0 {
            counters.count("icmp-relayed")
        } else {
            logger.debug("an ICMP error for \(outcome.destination) was not sent: \(String(cString: strerror(code)))")
        }
    }

    /// This router's address that errors come from.
    private func errorSource(_ family: AddressFamily) -> IPAddress? {
        settings.endpoints.first { $0.family == family }
            ?? settings.access.lazy.flatMap { $0.gateways.map(\.address) }.first { $0.family == family }
    }
}
