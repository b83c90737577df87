/// Lets through one copy of each packet that comes on two ways at once (row A9, [0052]).
///
/// Equal packets may be legitimate (two pure acknowledgements), so it counts instead of remembering: a
/// copy is new where more equal ones have come on its own way than on the other. Whatever is lost on
/// one way, as many are let through as came on the better way.
struct DuplicateFilter {
    /// How far one way may get ahead: little is lost of equal packets when a node changes ways.
    static let leadLimit = 64

    /// By content: how many more have come by the attached way.
    private var leads: [[UInt8]: Int] = [:]

    enum Way {
        case attached, tunnelled
    }

    mutating func isNew(_ content: [UInt8], on way: Way) -> Bool {
        let lead = leads[content] ?? 0
        let next =
            way == .attached ? min(lead + 1, Self.leadLimit) : max(lead - 1, -Self.leadLimit)
        leads[content] = next
        return way == .attached ? next > 0 : next < 0
    }
}
