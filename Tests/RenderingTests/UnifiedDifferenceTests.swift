import Testing
import TrustModel

@Suite struct UnifiedDifferenceTests {
    private func difference(_ old: String?, _ new: String?) -> [String] {
        UnifiedDifference.lines(from: old.map { Array($0.utf8) }, to: new.map { Array($0.utf8) }, path: "f")
    }

    @Test func `equal texts have no difference`() {
        #expect(difference("a\nb\n", "a\nb\n").isEmpty)
        #expect(difference(nil, nil).isEmpty)
    }

    @Test func `a change is shown with three lines around it, as diff -u does`() {
        let old = (1...12).map(String.init).joined(separator: "\n") + "\n"
        let new = old.replacing("\n6\n", with: "\nsix\n")
        #expect(
            difference(old, new) == [
                "--- a/f", "+++ b/f", "@@ -3,7 +3,7 @@", " 3", " 4", " 5", "-6", "+six", " 7", " 8", " 9",
            ])
    }

    @Test func `changes far apart are hunks of their own`() {
        let old = (1...30).map(String.init)
        var new = old
        new[2] = "three"
        new.remove(at: 25)
        let lines = difference(old.joined(separator: "\n"), new.joined(separator: "\n"))
        #expect(lines.filter { $0.hasPrefix("@@") } == ["@@ -1,6 +1,6 @@", "@@ -23,7 +23,6 @@"])
    }

    @Test func `a file that comes or goes is shown whole`() {
        #expect(difference(nil, "a\n") == ["--- /dev/null", "+++ b/f", "@@ -0,0 +1,1 @@", "+a"])
        #expect(difference("a\n", nil) == ["--- a/f", "+++ /dev/null", "@@ -1,1 +0,0 @@", "-a"])
    }

    @Test func `texts too long to compare are only said to differ`() {
        let long = String(repeating: "a\n", count: UnifiedDifference.maximumLines)
        #expect(difference(long, "b\n").count == 3)
    }
}
