<%@ Page Language="C#" MasterPageFile="~/Site.master" Title="Log in" %>
<script runat="server">
    protected void LogIn_Click(object sender, EventArgs e)
    {
        var candidate = ExamContent.Candidate(CandidateName.Text, Password.Text);
        if (candidate == null)
        {
            Failure.Text = "Name or password is wrong.";
            return;
        }
        Session["uid"] = candidate["id"];
        Response.Cookies.Add(new HttpCookie("uid", (string)candidate["id"]) { HttpOnly = true });
        Response.Redirect("~/Exams.aspx");
    }
</script>
<asp:Content ContentPlaceHolderID="MainContent" runat="server">
    <h1>Log in</h1>
    <asp:Label ID="Failure" CssClass="error" runat="server" />
    <p>
        <asp:Label AssociatedControlID="CandidateName" Text="Name" runat="server" />
        <asp:TextBox ID="CandidateName" runat="server" />
    </p>
    <p>
        <asp:Label AssociatedControlID="Password" Text="Password" runat="server" />
        <asp:TextBox ID="Password" TextMode="Password" runat="server" />
    </p>
    <asp:Button ID="LogIn" Text="Log in" OnClick="LogIn_Click" runat="server" />
</asp:Content>
