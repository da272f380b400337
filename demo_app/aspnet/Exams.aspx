<%@ Page Language="C#" MasterPageFile="~/Site.master" Title="Your examinations" %>
<script runat="server">
    protected void Page_Load(object sender, EventArgs e)
    {
        if (Session["uid"] == null)
            Response.Redirect("~/Login.aspx");
    }

    protected void Start_Click(object sender, EventArgs e)
    {
        Response.Redirect("~/Exam/Instructions.aspx?attempt=" + Attempt.Begin(Session).Id);
    }
</script>
<asp:Content ContentPlaceHolderID="MainContent" runat="server">
    <h1>Your examinations</h1>
    <p><%= Server.HtmlEncode((string)ExamContent.Exam["title"]) %></p>
    <%-- A link that posts by script: javascript:__doPostBack('…','') --%>
    <asp:LinkButton ID="Start" Text="Start exam" OnClick="Start_Click" runat="server" />
</asp:Content>
