import AnchorDataPlane
import AnchorPKI
import NetworkTypes

/// What must hold between the settings of peering, and with the files that they name.
struct PeeringChecks {
    private let settings: PeeringSettings
    private let reader: TableReader
    private let top: TableReader

    init(_ settings: PeeringSettings, _ reader: TableReader, _ top: TableReader) {
        self.settings = settings
        self.reader = reader
        self.top = top
    }

    /// - Parameter hasFiles: false where a file isn't even named.
    func run(endpoints: [IPAddress], hasFiles: Bool) {
        for (place, address) in settings.listen.enumerated() where address.isMulticast {
            reader.problem("listen[\(place)]", "\(address) is a group's")
        }
        if settings.listen.isEmpty, reader.has("listen") { reader.problem("listen", "at least one is needed") }
        if hasFiles {
            for (part, problem) in settings.files.problems(role: .accessRouter, endpoints: endpoints) {
                reader.problem(part.key, "\(problem)")
            }
        }
        checkPeers(own: hasFiles ? settings.files.identity?.name : nil)
    }

    private func checkPeers(own: String?) {
        if settings.peers.count > RouterEntry.limit {
            top.problem("peer", "\(settings.peers.count) peers; at most \(RouterEntry.limit) are possible")
        }
        var names: Set<String> = []
        var places: [String: String] = [:]
        for (place, peer) in settings.peers.enumerated() {
            if !peer.name.isEmpty {
                if peer.name == own {
                    top.problem("peer[\(place)].name", "'\(peer.name)' is this router itself, says its certificate")
                } else if !names.insert(peer.name).inserted {
                    top.problem("peer[\(place)].name", "a second peer '\(peer.name)'")
                }
            }
            guard peer.address != .anyV6 else { continue }
            if peer.address.isUnspecified || peer.address.isMulticast {
                top.problem("peer[\(place)].address", "\(peer.address) is no address of a router")
            }
            let address = "\(peer.address) port \(peer.port)"
            if let other = places.updateValue(peer.name, forKey: address) {
                top.problem("peer[\(place)].address", "\(address) is that of '\(other)' already")
            } else if settings.listen.contains(peer.address), peer.port == settings.port {
                top.problem("peer[\(place)].address", "\(address) is where this router listens itself")
            }
        }
    }
}

extension CredentialFiles.Part {
    fileprivate var key: String {
        switch self {
        case .certificate: "certificate-file"
        case .key: "key-file"
        case .authority: "ca-file"
        }
    }
}
