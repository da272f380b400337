<%@ Page Language="C#" MasterPageFile="~/Site.master" Inherits="ExamPage" Title="Review" %>
<script runat="server">
    protected void Page_Load(object sender, EventArgs e)
    {
        for (int number = 1; number <= ExamContent.Questions.Count; number++)
        {
            string[] saved;
            Attempt.Answers.TryGetValue(number, out saved);
            Answers.Items.Add(saved == null ? "Not answered" : string.Join(", ", saved));
        }
    }

    protected void Finish_Click(object sender, EventArgs e)
    {
        Attempt.Submitted = true;
        Response.Redirect(At("Done.aspx"));
    }
</script>
<asp:Content ContentPlaceHolderID="MainContent" runat="server">
    <h1>Review</h1>
    <asp:BulletedList ID="Answers" BulletStyle="Numbered" EnableViewState="false" runat="server" />
    <asp:Button ID="Finish" Text="Finish examination" OnClick="Finish_Click" runat="server" />
</asp:Content>
