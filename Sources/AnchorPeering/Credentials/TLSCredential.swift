import AnchorPKI
import NIOCore
import NIOSSL

/// What both ends of TLS need, made from the files once.
struct TLSCredential: Sendable {
    let server: NIOSSLContext
    let client: NIOSSLContext
    let authority: PinnedAuthority
    let loaded: LoadedCredential

    /// How long an orderly end may take.
    private static let shutdownTimeout = TimeAmount.seconds(1)

    init(_ loaded: LoadedCredential) throws(PeeringError) {
        self.loaded = loaded
        authority = loaded.authority
        do {
            let certificate = try NIOSSLCertificate(
                bytes: Array(try loaded.credential.certificatePEM.utf8), format: .pem)
            let key = try NIOSSLPrivateKey(bytes: Array(try loaded.credential.keyPEM.utf8), format: .pem)
            let pinned = try NIOSSLCertificate(bytes: loaded.authorityDER, format: .der)
            server = try Self.context(
                .makeServerConfiguration(certificateChain: [.certificate(certificate)], privateKey: .privateKey(key)),
                trusting: pinned)
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateChain = [.certificate(certificate)]
            configuration.privateKey = .privateKey(key)
            client = try Self.context(configuration, trusting: pinned)
        } catch {
            throw .cannotUseCredential("\(error)")
        }
    }

    /// TLS 1.3 only (RFC 8446), and a certificate wanted of the other end. Whether that is good, ``PeerCheck`` finds out;
    /// the root is named here all the same, so that no default can let another one in.
    private static func context(
        _ configuration: TLSConfiguration, trusting root: NIOSSLCertificate
    ) throws -> NIOSSLContext {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates([root])
        // Of the other end's name the certificate decides, not an address or a host's name.
        configuration.certificateVerification = .noHostnameVerification
        configuration.renegotiationSupport = .none
        configuration.shutdownTimeout = shutdownTimeout
        return try NIOSSLContext(configuration: configuration)
    }
}
