/// What a certificate lets its holder be (T6): a certificate of one role is refused where another is wanted.
public enum CertifiedRole: String, Hashable, Sendable, Codable, CaseIterable {
    case accessRouter = "access-router"
    case homeAgent = "home-agent"
    case centralNode = "central-node"
}
