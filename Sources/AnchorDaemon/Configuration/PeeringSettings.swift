import AnchorPKI
import AnchorProtocol
import Foundation
import NetworkTypes

/// `[peering]`: this access router keeps sessions with its neighbours.
public struct PeeringSettings: Sendable {
    /// `listen`: addresses of this machine that neighbours connect to. Default: the router's endpoints.
    public var listen: [IPAddress] = []
    /// `port`: TCP port there. Default: 4346.
    public var port: UInt16 = AnchorMessage.port
    /// `certificate-file`, `key-file` and `ca-file`, as `anchorctl pki` makes them.
    public var files: CredentialFiles
    /// `keep-alive`: seconds between two signs of life; a neighbour that is silent for three of them is given up.
    /// Default: 5.
    public var keepAlive = 5.0
    /// `[[peer]]`
    public var peers: [PeerSettings] = []

    /// - Parameters:
    ///   - top: the file's top level, where the peers are.
    ///   - endpoints: the router's, which its certificate must name.
    init(_ reader: TableReader, top: TableReader, endpoints: [IPAddress], folder: String) {
        func path(_ key: String, _ text: String?, _ hint: String) -> String? {
            reader.required(key, text, hint).map {
                $0.hasPrefix("/") ? $0 : (folder as NSString).appendingPathComponent($0)
            }
        }
        listen = reader.list("listen", of: "an IP address") { IPAddress($0) } ?? endpoints
        port = reader.integer("port", in: 1...65535).map { UInt16($0) } ?? port
        keepAlive = reader.seconds("keep-alive", in: 0.1...60) ?? keepAlive
        let certificate = path("certificate-file", reader.string("certificate-file"), "this router's certificate")
        let key = path("key-file", reader.string("key-file"), "the key of this router's certificate")
        let authority = path("ca-file", reader.string("ca-file"), "the certificate of the authority, ca.crt")
        files = CredentialFiles(certificate: certificate ?? "", key: key ?? "", authority: authority ?? "")
        peers = top.tables("peer").map { PeerSettings($0) }
        let isComplete = certificate != nil && key != nil && authority != nil
        PeeringChecks(self, reader, top).run(endpoints: endpoints, hasFiles: isComplete)
        reader.finish()
    }
}

/// `[[peer]]`: a neighbour. Whoever is not listed is refused, whatever certificate it has.
public struct PeerSettings: Sendable {
    /// `name`: as in its certificate.
    public var name = ""
    /// `address`: where it listens.
    public var address = IPAddress.anyV6
    /// `port`: its TCP port. Default: 4346.
    public var port: UInt16 = AnchorMessage.port

    init(_ reader: TableReader) {
        let text = reader.parsed("name", as: "a name: \(CertifiedIdentity.nameRule)") {
            CertifiedIdentity.isName($0) ? $0 : nil
        }
        name = reader.required("name", text, "as in the neighbour's certificate") ?? name
        let listens = reader.parsed("address", as: "an IP address") { IPAddress($0) }
        address = reader.required("address", listens, "where the neighbour listens") ?? address
        port = reader.integer("port", in: 1...65535).map { UInt16($0) } ?? port
        reader.finish()
    }
}
