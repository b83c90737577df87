import AnchorPKI
import NetworkTypes

/// What a router needs to know to peer.
public struct PeeringConfiguration: Sendable {
    /// Own certificate, key, and the authority that neighbours are held against. The certificate says this router's name.
    public var files: CredentialFiles
    /// Where neighbours reach this router.
    public var listen: [TransportAddress]
    /// Nobody else is let in.
    public var peers: [ConfiguredPeer]
    /// What the hello says of this run.
    public var run: RouterRun
    public var limits = PeeringLimits()

    public init(files: CredentialFiles, listen: [TransportAddress], peers: [ConfiguredPeer], run: RouterRun) {
        self.files = files
        self.listen = listen
        self.peers = peers
        self.run = run
    }
}

/// Address and TCP port.
public struct TransportAddress: Hashable, Sendable, CustomStringConvertible {
    public var address: IPAddress
    public var port: UInt16

    public init(_ address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    public var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }
}

/// A neighbour that this router has a session with.
public struct ConfiguredPeer: Hashable, Sendable {
    /// As in its certificate.
    public var name: String
    /// Where it listens.
    public var address: TransportAddress

    public init(name: String, address: TransportAddress) {
        self.name = name
        self.address = address
    }
}

/// What differs from run to run, and where this router's tunnels end.
public struct RouterRun: Hashable, Sendable {
    /// Random.
    public var boot: UInt64
    /// Grows with each start, never 0.
    public var epoch: UInt32
    /// The router's number in messages to nodes.
    public var router: UInt64
    /// At most one a family; the certificate must name them.
    public var endpoints: [IPAddress]

    public init(
        boot: UInt64 = .random(in: .min ... .max), epoch: UInt32, router: UInt64, endpoints: [IPAddress]
    ) {
        self.boot = boot
        self.epoch = epoch
        self.router = router
        self.endpoints = endpoints
    }
}
