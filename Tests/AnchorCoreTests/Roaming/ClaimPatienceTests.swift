import Testing

@testable import AnchorCore

@Suite struct ClaimPatienceTests {
    private let shortest = TimeSpan.milliseconds(50)

    @Test func `it follows how long answers take, and how much that varies`() {
        var patience = ClaimPatience()
        #expect(patience.span(["a"], shortest: shortest) == shortest, "nothing is known of it")
        patience.answered("a", after: .milliseconds(40))
        #expect(patience.span(["a"], shortest: shortest) == .milliseconds(120))
        for _ in 0..<64 { patience.answered("a", after: .milliseconds(1)) }
        #expect(patience.span(["a"], shortest: shortest) == shortest)
    }

    @Test func `it doubles with each answer that did not come, up to a limit, until one comes`() {
        var patience = ClaimPatience()
        patience.answered("a", after: .milliseconds(1))
        patience.missed("a")
        #expect(patience.span(["a"], shortest: shortest) == .milliseconds(100))
        patience.missed("a")
        #expect(patience.span(["a"], shortest: shortest) == .milliseconds(200))
        for _ in 0..<9 { patience.missed("a") }
        #expect(patience.span(["a"], shortest: shortest) == ClaimPatience.longest)
        patience.answered("a", after: .milliseconds(1))
        #expect(patience.span(["a"], shortest: shortest) == shortest)
    }

    @Test func `of several the slowest counts, and one that never answered as much as any`() {
        var patience = ClaimPatience()
        patience.answered("a", after: .milliseconds(40))
        patience.missed("b")
        patience.missed("b")
        #expect(patience.span(["a"], shortest: shortest) == .milliseconds(120))
        #expect(patience.span(["a", "b"], shortest: shortest) == .milliseconds(200))
        patience.forget("b")
        #expect(patience.span(["a", "b"], shortest: shortest) == .milliseconds(120))
    }
}
