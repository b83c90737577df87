/// Why a peer's certificate was refused, in the order of the checks. The names are those of metrics and messages.
public enum CertificateRefusal: String, Error, Hashable, Sendable, CaseIterable {
    /// It can't be read.
    case unreadable = "certificate-unreadable"
    /// It is not signed by the pinned authority.
    case untrusted = "certificate-untrusted"
    /// It, or the authority, is not valid any more.
    case expired = "certificate-expired"
    /// It, or the authority, is not valid yet: somebody's clock is wrong.
    case notYetValid = "certificate-not-yet-valid"
    /// Its extended key usage lacks what its holder does with it: to open, or to accept, connections.
    case wrongPurpose = "certificate-wrong-purpose"
    /// It carries no role and name, or ones that can't be.
    case noIdentity = "certificate-without-identity"
    /// Its holder is something else.
    case wrongRole = "wrong-role"
}
