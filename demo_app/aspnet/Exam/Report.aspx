<%@ Page Language="C#" Inherits="ExamPage" EnableViewState="false" %>
<script runat="server">
    // An old report page: writes by hand, flushes as it goes (chunked), begins with the byte order mark of UTF-8.
    protected override void Render(HtmlTextWriter writer)
    {
        Response.BufferOutput = false;
        Response.BinaryWrite(new byte[] { 0xEF, 0xBB, 0xBF });
        Response.Write("<html><head><title>Progress</title></head><body><ol>\r\n");
        Response.Flush();
        for (int number = 1; number <= ExamContent.Questions.Count; number++)
        {
            Response.Write("<li>" + (Attempt.Answers.ContainsKey(number) ? "answered" : "open") + " \u2013 \u00FCbrig</li>\r\n");
            Response.Flush();
        }
        Response.Write("</ol></body></html>");
    }
</script>
