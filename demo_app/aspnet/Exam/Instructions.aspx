<%@ Page Language="C#" MasterPageFile="~/Site.master" Inherits="ExamPage" Title="Instructions" %>
<script runat="server">
    protected void Begin_Click(object sender, EventArgs e)
    {
        Response.Redirect(At("Take.aspx", "&q=1"));
    }
</script>
<asp:Content ContentPlaceHolderID="MainContent" runat="server">
    <h1>Instructions</h1>
    <p>You have <%= ExamContent.Exam["minutes"] %> minutes for <%= ExamContent.Questions.Count %> questions. Each answer is saved when you press Next.</p>
    <asp:Button ID="Begin" Text="Begin" OnClick="Begin_Click" runat="server" />
</asp:Content>
