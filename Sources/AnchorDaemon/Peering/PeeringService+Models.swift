import AnchorCore
import AnchorPeering
import ControlAPI
import Foundation

extension PeeringService {
    /// Below so many days a certificate's end is worth a warning.
    private static let warnedDays = 30

    func models() async -> [PeerModel] { await peering.status().peers.map { PeerModel($0) } }

    func ping(_ name: String, timeout: Double) async throws(ControlError) -> PeerPingModel {
        do throws(PeeringError) {
            let span = try await peering.ping(name, timeout: TimeSpan(seconds: timeout))
            return PeerPingModel(peer: name, roundTrip: span.seconds)
        } catch {
            switch error {
            case .noAnswer: return PeerPingModel(peer: name, roundTrip: nil)
            case .unknownPeer:
                throw ControlError(.notFound, "\(error)", nextStep: "'anchorctl peer list' shows those that are")
            case .down:
                let cause = await peering.status().peers.first { $0.peer.name == name }?.lastFailure
                throw ControlError(
                    .unavailable, "\(error)" + (cause.map { ": \($0)" } ?? ""),
                    nextStep: "'anchorctl peer list' shows why, the log of '\(name)' what it refuses")
            case .cancelled, .tooLong, .cannotListen, .cannotUseCredential: throw ControlError(.failure, "\(error)")
            }
        }
    }

    /// What an operator should look at.
    func warnings() async -> [String] {
        let status = await peering.status()
        var warnings: [String] = []
        let days = Int((status.validUntil.timeIntervalSinceNow / 86400).rounded(.down))
        if days < Self.warnedDays {
            warnings.append(
                "the certificate ends in \(days) days; anchorctl pki renew \(status.name), and copy its files here")
        }
        for peer in status.peers where peer.session == nil {
            warnings.append("no session with peer \(peer.peer.name): \(peer.lastFailure ?? "not tried yet")")
        }
        return warnings
    }

    func metrics() async -> [MetricModel] {
        let status = await peering.status()
        func each(_ value: (PeerStatus) -> Double?) -> [MetricModel.Sample] {
            status.peers.compactMap { peer in value(peer).map { .init($0, labels: ["peer": peer.peer.name]) } }
        }
        return [
            MetricModel(
                name: "flowanchor_peer_up", kind: .gauge, help: "1 for a neighbour that there is a session with.",
                samples: each { $0.session == nil ? 0 : 1 }),
            MetricModel(
                name: "flowanchor_peer_sessions_total", kind: .counter, help: "Sessions with a neighbour so far.",
                samples: each { Double($0.sessions) }),
            MetricModel(
                name: "flowanchor_peer_round_trip_seconds", kind: .gauge,
                help: "Smoothed time of a message to a neighbour and its answer.",
                samples: each { $0.roundTrip?.seconds }),
            MetricModel(
                name: "flowanchor_peer_received_bytes_total", kind: .counter,
                help: "Bytes that came from a neighbour, inside of TLS.", samples: each { Double($0.bytesReceived) }),
            MetricModel(
                name: "flowanchor_peer_sent_bytes_total", kind: .counter,
                help: "Bytes that went to a neighbour, inside of TLS.", samples: each { Double($0.bytesSent) }),
            MetricModel(
                name: "flowanchor_peer_refused_total", kind: .counter,
                help: "Connections and sessions of neighbours and others that were refused, by reason.",
                samples: status.refusals.map { .init(Double($0.count), labels: ["reason": $0.reason.name]) }),
            MetricModel(
                name: "flowanchor_peer_half_open", kind: .gauge,
                help: "Accepted connections that are no sessions yet.", samples: [.init(Double(status.halfOpen))]),
            MetricModel(
                name: "flowanchor_certificate_expiry_seconds", kind: .gauge,
                help: "When the own certificate ends, in seconds since 1970.",
                samples: [.init(status.validUntil.timeIntervalSince1970)]),
        ]
    }
}

extension PeerModel {
    init(_ status: PeerStatus) {
        self.init(name: status.peer.name, address: status.peer.address.address, port: status.peer.address.port)
        sessions = status.sessions
        bytesReceived = status.bytesReceived
        bytesSent = status.bytesSent
        lastFailure = status.lastFailure
        guard let session = status.session else { return }
        state = .up
        openedBy = session.isOpenedHere ? "here" : "peer"
        remote = session.remote.map(\.description)
        endpoints = session.hello.endpoints
        router = session.hello.router
        epoch = session.hello.epoch
        upFor = status.upFor?.seconds
        roundTrip = status.roundTrip?.seconds
        certificateUntil = status.validUntil?.formatted(.iso8601)
    }
}
