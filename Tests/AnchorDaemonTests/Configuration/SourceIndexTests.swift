import Testing

@testable import AnchorDaemon

struct SourceIndexTests {
    @Test func `keys, list elements and inline tables have their lines`() {
        let index = SourceIndex(
            """
            # a comment with [brackets] and = signs
            a = 1
            "quoted.key" = '''
            x = 2
            '''
            list = [ # first
              "]",
              [1, 2],
            ]
            inline = { p = 1, q = { r = "}" } }
            [t.u]
            b.c = true
            [[t.rows]]
            d = 1
            [[t.rows]]
            d = 2
            [t.rows.inner]
            e = 3
            """)
        let expected = [
            "a": 2, "quoted.key": 3, "list": 6, "list[0]": 7, "list[1]": 8, "list[1][1]": 8, "inline": 10,
            "inline.q.r": 10, "t.u": 11, "t.u.b.c": 12, "t.rows[0].d": 14, "t.rows[1].d": 16, "t.rows[1].inner.e": 18,
        ]
        for (path, line) in expected { #expect(index.line(of: path) == line, "\(path)") }
    }

    @Test func `what isn't there has the line of what encloses it`() {
        let index = SourceIndex("a = 1\n[t]\nb = 2\n")
        #expect(index.line(of: "t.missing[3].x") == 2)
        #expect(index.line(of: "nothing") == 1)
    }

    @Test(arguments: [
        "[", "a", "a =", "a = [", "a = {", "a = \"", "=", "]]]", "a = ]", "\u{0}", "a.b.", "\"", "a=\"\\",
    ])
    func `broken text ends`(_ text: String) {
        #expect(SourceIndex(text).line(of: "a") >= 1)
    }
}
