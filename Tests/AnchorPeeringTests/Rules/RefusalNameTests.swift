import AnchorProtocol
import Foundation
import Testing

@testable import AnchorPeering

@Suite struct RefusalNameTests {
    @Test func `each refusal has a name and a meaning of its own`() {
        let all = PeeringRefusal.allCases
        #expect(Set(all.map(\.name)).count == all.count && Set(all.map(\.meaning)).count == all.count)
        #expect(all.allSatisfy { $0.name.allSatisfy { $0.isLowercase || $0 == "-" } })
    }

    @Test func `the article has each refusal, each type of message and the bounds`() throws {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let article = try String(
            contentsOf: root.appending(path: "Documentation/FlowAnchor.docc/Peering.md"), encoding: .utf8)
        for refusal in PeeringRefusal.allCases { #expect(article.contains("`\(refusal.name)`"), "\(refusal.name)") }
        for control in PeerControl.allCases { #expect(article.contains("\n| \(control.rawValue) | \(control) |")) }
        #expect(article.contains("Magic = 0x\(String(PeerFrameHeader.magic, radix: 16))"))
        #expect(article.contains("Version = \(PeerFrameHeader.version) "))
        let bounds = [PeerFrameHeader.longestPayload, PeerHello.longest].map {
            $0.formatted(.number.locale(.init(identifier: "en_US")))
        }
        for bound in bounds { #expect(article.contains(bound), "\(bound)") }
    }

    /// As the library writes them.
    private struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ code: String) {
            description = "handshakeFailed(sslError([error:1:SSL routines:OPENSSL_internal:\(code) at /a/b.cc:12]))"
        }
    }

    @Test func `errors of TLS are put into words, without places in sources`() {
        let alert = Failure("SSLV3_ALERT_CERTIFICATE_UNKNOWN")
        #expect(TLSFailure.refusal(alert) == .refusedByPeer)
        #expect(TLSFailure.describe(alert) == "it answered with the TLS alert 'certificate unknown'; its log says why")
        #expect(TLSFailure.refusal(Failure("UNSUPPORTED_PROTOCOL")) == .tlsVersion)
        #expect(TLSFailure.refusal(Failure("PEER_DID_NOT_RETURN_A_CERTIFICATE")) == .noCertificate)
        #expect(TLSFailure.refusal(Failure("WRONG_VERSION_NUMBER")) == .handshakeFailed)
        #expect(TLSFailure.describe(Failure("WRONG_VERSION_NUMBER")) == "TLS: wrong version number")
    }
}
