import Foundation
import NIOCore
import NIOSSL

/// What an error of TLS means. The library has no types for them but its texts, which name places in its sources as well.
enum TLSFailure {
    /// What an error before the hello means.
    static func refusal(_ error: any Error) -> PeeringRefusal {
        guard let code = code(error) else {
            return error is IOError || error is ChannelError || "\(error)".contains("EOF during handshake")
                || "\(error)".contains("uncleanShutdown") ? .abandoned : .handshakeFailed
        }
        if code == "UNSUPPORTED_PROTOCOL" { return .tlsVersion }
        if code == "PEER_DID_NOT_RETURN_A_CERTIFICATE" { return .noCertificate }
        return alert(code) == nil ? .handshakeFailed : .refusedByPeer
    }

    /// For people.
    static func describe(_ error: any Error) -> String {
        guard let code = code(error) else {
            let text = "\(error)"
            if text.contains("uncleanShutdown") { return "it ended without a goodbye" }
            if text.contains("EOF during handshake") { return PeeringRefusal.abandoned.meaning }
            return text
        }
        if let alert = alert(code) {
            return "it answered with the TLS alert '\(words(alert))'; its log says why"
        }
        return "TLS: \(words(code))"
    }

    /// Such as `WRONG_VERSION_NUMBER`, of `error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at …`.
    private static func code(_ error: any Error) -> String? {
        let text = "\(error)"
        guard let start = text.range(of: "OPENSSL_internal:")?.upperBound else { return nil }
        return String(text[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }

    /// Such as `BAD_CERTIFICATE`, of `SSLV3_ALERT_BAD_CERTIFICATE`.
    private static func alert(_ code: String) -> String? {
        code.range(of: "_ALERT_").map { String(code[$0.upperBound...]) }
    }

    private static func words(_ code: String) -> String { code.replacing("_", with: " ").lowercased() }
}
